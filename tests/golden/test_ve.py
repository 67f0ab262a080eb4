"""Visual entailment: released fine-tuning steps and answers (spec 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from albefkit.engine.pretrainer import Pretrainer
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
from tests.golden.released_run import read, read_json, recorded_sizes, released_state

HEAD = "classification"
GRADIENTS = {"rtol": 1e-4, "atol": 2e-5}

cases = pytest.mark.parametrize("case", case_dirs("ve"), ids=case_name)
width_cases = pytest.mark.parametrize("case", width_case_dirs("visual_entailment"), ids=case_name)


def recipe(alpha: float | None) -> dict[str, Any]:
    distilled = {} if alpha is None else {"mod": {"alpha": alpha}}
    return {"objectives": {HEAD: {}, "mod": None} | distilled, "data": {"type": "entailment"}}


def main(case: Path, folder: Path, alpha: float | None) -> Pretrainer:
    return fine_tuned(folder, MAIN, released_state(case), torch.float32, recipe(alpha))


def main_batch(case: Path):
    inputs = read(case, "inputs")
    text = inputs["input_ids"], inputs["attention_mask"]
    return batch(inputs["image"], *text, torch.float32, label=inputs["targets"])


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
@torch.no_grad()
def test_answers_in_evaluation(case, tmp_path):
    pretrainer = main(case, tmp_path, None).eval()
    expected = read(case, "out_eval")["prediction"]
    step = pretrainer.step(main_batch(case), begin(pretrainer))
    close(step.predictions[HEAD].logits, expected)
    answers = step.predictions[HEAD].logits.argmax(1)
    assert answers.tolist() == read_json(case, "meta")["eval_argmax"]


def wide(case: Path, folder: Path, alpha: float | None) -> Pretrainer:
    weights = read(case, "weights")
    return fine_tuned(folder, recorded_sizes(case), weights, torch.float64, recipe(alpha))


def wide_batch(case: Path, step: int):
    inputs = read(case, "inputs")
    names = ("image", "input_ids", "attention_mask")
    image, ids, mask = (inputs[f"step{step}.{name}"] for name in names)
    return batch(image, ids, mask, torch.float64, label=inputs[f"step{step}.labels"])


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
