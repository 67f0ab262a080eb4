"""Text assignment: released steps with recorded choices (spec 6.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from albefkit.engine.pretrainer import Pretrainer
from albefkit.objectives.text_assignment import TextAssignment
from albefkit.tensors import Batch, Pairs
from tests.golden.cases import case_dirs, case_name, width_case_dirs
from tests.golden.fine_tuned import (
    EXACT,
    MAIN,
    batch,
    begin,
    close,
    fine_tuned,
    gradients_agree,
    ours,
    steps_agree,
)
from tests.golden.released_run import Sizes, read, read_json, recorded_sizes, released_state
from tests.golden.test_nlvr import GRADIENTS, paired_network

NAME = "text-assignment"
STILL = {"vision_proj.weight", "vision_proj.bias", "text_proj.weight", "text_proj.bias", "temp"}
"""What no loss reaches."""

cases = pytest.mark.parametrize("case", case_dirs("pretrain_nlvr"), ids=case_name)
width_cases = pytest.mark.parametrize("case", width_case_dirs("text_assignment"), ids=case_name)


class RecordedAssignment(TextAssignment):
    """Wrong images that were drawn before; they travel with the batch."""

    def pairs(self, step) -> Pairs:
        rows = torch.arange(len(step.batch))
        return Pairs(step.batch.fields["recorded"], rows, weight=torch.ones(len(rows)))


def build(folder: Path, sizes: Sizes, state: dict[str, Tensor], dtype: torch.dtype) -> Pretrainer:
    asked: dict[str, Any] = paired_network(folder, sizes) | {
        "alignment": {"width": sizes.shared_width, "keys": "in-batch"},
        "objectives": {NAME: {"type": "recorded", "exclude": "pair"}, "mod": None},
    }
    with RecordedAssignment.register("recorded"):
        return fine_tuned(folder, sizes, state, dtype, asked)


def main(case: Path, folder: Path) -> Pretrainer:
    return build(folder, MAIN, released_state(case), torch.float32)


def main_batch(case: Path) -> Batch:
    inputs, drawn = read(case, "inputs"), read(case, "out")["pairs"]
    text = inputs["input_ids"], inputs["attention_mask"]
    return batch(inputs["image"], *text, torch.float32, recorded=drawn)


@cases
def test_a_training_step(case, tmp_path):
    expected, meta = read(case, "out"), read_json(case, "meta")
    pretrainer = main(case, tmp_path)
    step = pretrainer.step(main_batch(case), begin(pretrainer))
    choice, objective = step.predictions[NAME], pretrainer.objectives[NAME]
    close(step.student.image_features(), expected["image_feat"])
    close(objective.log_weights(step).exp(), expected["weights"])
    close(step.student.fused(NAME).text_tokens, expected["multimodal_states"])
    close(choice.logits, expected["pred"])
    assert torch.equal(choice.answers, expected["labels"])
    close(choice.loss(), expected["loss"])

    choice.loss().backward()
    assert {name for name, each in meta["grad"].items() if not each} == STILL
    gradients_agree(pretrainer, expected, meta["grad"], **GRADIENTS)


@cases
def test_what_no_loss_reaches_takes_no_gradient(case, tmp_path):
    pretrainer = main(case, tmp_path)
    still = {name for name, weight in pretrainer.named_parameters() if not weight.requires_grad}
    state = released_state(case)
    assert still == set(ours({name: state[name] for name in STILL}))


def wide(case: Path, folder: Path) -> Pretrainer:
    return build(folder, recorded_sizes(case), read(case, "weights"), torch.float64)


def wide_batch(case: Path, step: int) -> Batch:
    inputs = read(case, "inputs")
    names = ("image", "input_ids", "attention_mask", "first_image", "second_image")
    image, ids, mask, first, second = (inputs[f"step{step}.{name}"] for name in names)
    return batch(image, ids, mask, torch.float64, recorded=torch.stack([first, second], 1))


@width_cases
def test_two_steps_where_every_width_differs(case, tmp_path):
    expected, meta = read(case, "expected"), read_json(case, "meta")
    pretrainer = wide(case, tmp_path)
    batches = [wide_batch(case, number) for number in (1, 2)]
    for number in (1, 2):
        del meta[f"student_probes_after_step{number}"]["temp"]  # looked at below
    steps_agree(pretrainer, batches, expected, meta)
    close(pretrainer.space.temperature, expected["temp_after_step2"], **EXACT)


@width_cases
@torch.no_grad()
def test_answers_and_weights_where_every_width_differs(case, tmp_path):
    expected, pretrainer = read(case, "expected"), wide(case, tmp_path)
    step = pretrainer.step(wide_batch(case, 1), begin(pretrainer))
    close(step.predictions[NAME].logits, expected["step1.logits"], **EXACT)
    assert torch.equal(step.predictions[NAME].answers, read(case, "inputs")["step1.labels"])
    weights = pretrainer.objectives[NAME].log_weights(step).exp()
    close(weights, expected["step1.neg_weights"], **EXACT)
