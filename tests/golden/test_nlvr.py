"""NLVR2: released fine-tuning steps and answers about two images (spec 6.1 and 6.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from albefkit.engine.pretrainer import Pretrainer
from albefkit.tensors import Batch
from tests.golden.cases import case_dirs, case_name, width_case_dirs
from tests.golden.fine_tuned import (
    EXACT,
    MAIN,
    RUNS,
    batch,
    begin,
    close,
    fine_tuned,
    gradients_agree,
    steps_agree,
    teacher_agrees,
)
from tests.golden.released_run import (
    Sizes,
    read,
    read_json,
    recorded_network,
    recorded_sizes,
    released_state,
)

HEAD = "classification"
GRADIENTS = {"rtol": 1e-4, "atol": 2e-5}

cases = pytest.mark.parametrize("case", case_dirs("nlvr"), ids=case_name)
width_cases = pytest.mark.parametrize("case", width_case_dirs("nlvr"), ids=case_name)


def paired_network(folder: Path, sizes: Sizes) -> dict[str, Any]:
    """A recorded network whose texts meet two images."""
    model = recorded_network(folder, sizes)["model"]
    paired = {"type": "paired-cross-attention", "images": 2}
    return {"model": model | {"fusion": model["fusion"] | paired}}


def recipe(folder: Path, sizes: Sizes, alpha: float | None) -> dict[str, Any]:
    distilled = {} if alpha is None else {"mod": {"alpha": alpha}}
    objectives = {HEAD: {}, "mod": None} | distilled
    return paired_network(folder, sizes) | {"objectives": objectives, "data": {"type": "nlvr"}}


def main(case: Path, folder: Path, alpha: float | None) -> Pretrainer:
    asked = recipe(folder, MAIN, alpha)
    return fine_tuned(folder, MAIN, released_state(case), torch.float32, asked)


def main_batch(case: Path, order: tuple[str, str] = ("image0", "image1")) -> Batch:
    inputs = read(case, "inputs")
    images = torch.stack([inputs[name] for name in order], 1).flatten(0, 1)
    text = inputs["input_ids"], inputs["attention_mask"]
    return batch(images, *text, torch.float32, label=inputs["targets"])


@cases
@pytest.mark.parametrize("run", RUNS)
def test_a_training_step(case, run, tmp_path):
    expected, meta = read(case, f"out_{run}"), read_json(case, "meta")[run]
    pretrainer = main(case, tmp_path, RUNS[run])
    step = pretrainer.step(main_batch(case), begin(pretrainer))
    close(step.student.fused(HEAD).text_tokens, expected["multimodal_states"])
    close(step.predictions[HEAD].logits, expected["prediction"])
    if "prediction_m" in expected:
        answer = pretrainer.objectives[HEAD].predict(step, step.teacher)
        close(answer.logits, expected["prediction_m"])
    loss = step.predictions[HEAD].loss()
    close(loss, expected["loss"])

    loss.backward()
    gradients_agree(pretrainer, expected, meta["grad"], **GRADIENTS)
    teacher_agrees(pretrainer, meta["momentum_after"])


@cases
@pytest.mark.parametrize(
    ("order", "answer"),
    [
        (("image0", "image1"), "prediction"),
        (("image1", "image0"), "prediction_images_swapped"),
    ],
)
@torch.no_grad()
def test_answers_in_evaluation(case, order, answer, tmp_path):
    pretrainer = main(case, tmp_path, None).eval()
    step = pretrainer.step(main_batch(case, order), begin(pretrainer))
    close(step.predictions[HEAD].logits, read(case, "out_eval")[answer])


def wide(case: Path, folder: Path, alpha: float | None) -> Pretrainer:
    sizes = recorded_sizes(case)
    asked = recipe(folder, sizes, alpha)
    return fine_tuned(folder, sizes, read(case, "weights"), torch.float64, asked)


def wide_batch(case: Path, step: int) -> Batch:
    inputs = read(case, "inputs")
    names = ("image", "input_ids", "attention_mask", "labels")
    image, ids, mask, label = (inputs[f"step{step}.{name}"] for name in names)
    images = image.unflatten(0, (2, -1)).transpose(0, 1).flatten(0, 1)  # all first ones come first
    return batch(images, ids, mask, torch.float64, label=label)


@width_cases
@pytest.mark.parametrize(("prefix", "alpha"), [("", 0.4), ("nodistill.", None)])
def test_two_steps_where_every_width_differs(case, prefix, alpha, tmp_path):
    expected, meta = read(case, "expected"), read_json(case, "meta")
    pretrainer = wide(case, tmp_path, alpha)
    batches = [wide_batch(case, number) for number in (1, 2)]
    steps_agree(pretrainer, batches, expected, meta, prefix)


@width_cases
@torch.no_grad()
def test_answers_where_every_width_differs(case, tmp_path):
    expected, pretrainer = read(case, "expected"), wide(case, tmp_path, 0.4)
    step = pretrainer.step(wide_batch(case, 1), begin(pretrainer))
    close(step.predictions[HEAD].logits, expected["step1.logits"], **EXACT)
    answer = pretrainer.objectives[HEAD].predict(step, step.teacher)
    close(answer.logits, expected["step1.logits_m"], **EXACT)
    unmoved = wide(case, tmp_path, None).eval()
    step = unmoved.step(wide_batch(case, 2), begin(unmoved))
    close(step.predictions[HEAD].logits, expected["eval.logits"], **EXACT)
