"""Retrieval: released fine-tuning steps with ids of images in batch and queue (spec 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from albefkit.distill.constant import Constant
from albefkit.engine.adamw import AdamW
from albefkit.engine.pretrainer import Pretrainer
from albefkit.interop.layouts import RETRIEVAL
from albefkit.interop.released import from_released
from albefkit.objectives.hard_negatives import Hard
from albefkit.objectives.negatives import Negatives, WrongPartners
from albefkit.tensors import Batch
from tests.golden.cases import case_dirs, case_name, width_case_dirs
from tests.golden.fine_tuned import EXACT, MAIN, RUNS, assembled, batch, begin, close
from tests.golden.released_run import (
    FUSION_FROM,
    Sizes,
    fingerprint,
    gradients,
    key_bias,
    read,
    read_json,
    recorded_sizes,
    released_state,
    weights,
)

GRADIENTS = {"rtol": 1e-4, "atol": 5e-5}
LOSSES = {"itc": "loss_ita", "itm": "loss_itm"}
FUSION = re.compile(r"text_encoder_m\.encoder\.layer\.[23]\.")
"""A teacher that is asked for features alone has no fusion here."""

cases = pytest.mark.parametrize("case", case_dirs("retrieval"), ids=case_name)
width_cases = pytest.mark.parametrize("case", width_case_dirs("retrieval"), ids=case_name)
runs = pytest.mark.parametrize("run", RUNS)


class RecordedPartners(Negatives):
    """Negatives that were drawn before."""

    needs = frozenset({"features"})

    def __init__(self) -> None:
        self.image: Tensor
        self.text: Tensor

    def draw(self, step, generator) -> WrongPartners:
        found = torch.ones(len(step.batch), dtype=step.batch.images.dtype)
        return WrongPartners(self.image, self.text, found, found)


def recipe(alpha: float | None) -> dict[str, Any]:
    objectives = {
        "itc": {"positives": "image"},
        "itm": {"negatives": "recorded-partners"},
        "mod": None if alpha is None else {"alpha": alpha},
    }
    return {"objectives": objectives, "data": {"type": "scenes", "train": 8, "size": 48}}


def tuned(
    folder: Path,
    sizes: Sizes,
    state: Mapping[str, Tensor],
    dtype: torch.dtype,
    alpha: float | None,
) -> Pretrainer:
    """The parts of retrieval with all the released weights that they can have."""
    alignment = {"width": sizes.shared_width, "temperature_range": None, "keys": {"size": 48}}
    with RecordedPartners.register("recorded-partners"):
        whole = recipe(alpha) | {"alignment": alignment}
        pretrainer = assembled(folder, sizes, whole).to(dtype)
    found = from_released(state, fusion_from=FUSION_FROM)
    missing, unexpected = pretrainer.load_state_dict(found, strict=False)
    assert missing == ["space.keys.text_id"]
    assert all(name.startswith("teacher.network.fusion.") for name in unexpected)
    return pretrainer.train()


def main(case: Path, folder: Path, run: str) -> Pretrainer:
    return tuned(folder, MAIN, released_state(case), torch.float32, RUNS[run])


def main_batch(case: Path) -> Batch:
    inputs = read(case, "inputs")
    shown = batch(inputs["image"], inputs["input_ids"], inputs["attention_mask"], torch.float32)
    return replace(shown, image_id=inputs["idx"])


def draw(pretrainer: Pretrainer, image: Tensor, text: Tensor) -> None:
    """Put recorded negatives in the place of fresh ones."""
    negatives = pretrainer.objectives["itm"].negatives
    negatives.image, negatives.text = image, text


def probes_agree(
    found: Mapping[str, Tensor], stored: Mapping[str, list[float]], *, moved: bool = False
) -> None:
    """Compare fingerprints of float64; an optimizer step has moved key biases by rounding noise."""
    absent = stored.keys() - found.keys()
    assert all(FUSION.match(name) for name in absent)
    for name in stored.keys() - absent:
        if key_bias(name) or (moved and name.endswith("qkv.bias")):
            continue
        expected = torch.tensor(stored[name], dtype=torch.float64)
        actual = torch.tensor(fingerprint(found[name], 0), dtype=torch.float64)
        scale = 1e-10 * max(1.0, stored[name][0])
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=scale, msg=name)


@cases
@runs
def test_everything_a_step_computes(case, run, tmp_path):
    expected = read(case, f"out_{run}")
    pretrainer = main(case, tmp_path, run)
    draw(pretrainer, expected["neg_image_idx"], expected["neg_text_idx"])
    step = pretrainer.step(main_batch(case), begin(pretrainer))
    student, teacher = step.student, step.teacher
    own = step.predictions["itc"]
    positives, negatives = student.fused("itm").pooled.split([6, 12])
    targets = (own.answers if own.advice is None else own.advice).split(6)
    hard = own.answers.split(6)
    found = {
        "image_feat": student.image_features(),
        "image_feat_m": teacher.image_features(),
        "text_feat": student.text_features(),
        "text_feat_m": teacher.text_features(),
        "sim_i2t": student.similarities().image_to_text,
        "sim_t2i": student.similarities().text_to_image,
        "targets_i2t": targets[0],
        "targets_t2i": targets[1],
        "fusion_pos_cls": positives,
        "fusion_neg_cls": negatives,
        "itm_logits": step.predictions["itm"].logits,
    }
    if "sim_i2t_m" in expected:
        found["sim_i2t_m"] = teacher.similarities().image_to_text
        found["sim_t2i_m"] = teacher.similarities().text_to_image
    for name, tensor in found.items():
        close(tensor, expected[name])
    for each in hard:
        close(each, expected["hard_targets"])
    log_weights = Hard(exclude="image").log_weights(step)
    close(log_weights[0].exp(), expected["weights_i2t"])
    close(log_weights[1].exp(), expected["weights_t2i"])
    for ours, theirs in LOSSES.items():
        close(step.predictions[ours].loss(), expected[theirs])


@cases
@runs
def test_what_a_step_leaves_behind(case, run, tmp_path):
    expected, meta = read(case, f"out_{run}"), read_json(case, "meta")[run]
    pretrainer = main(case, tmp_path, run)
    draw(pretrainer, expected["neg_image_idx"], expected["neg_text_idx"])
    report = pretrainer(main_batch(case), begin(pretrainer))
    report.loss.backward()
    found, after = gradients(pretrainer, RETRIEVAL), weights(pretrainer, RETRIEVAL)
    for name, stored in meta["grad"].items():
        if stored is not None and not key_bias(name):
            wanted = torch.tensor([stored["norm"], stored["sum"], stored["proj"]])
            scale = {"rtol": 1e-4, "atol": 2e-5 * max(1.0, stored["norm"])}
            close(torch.tensor(fingerprint(found[name], 1)), wanted, **scale)
    for key, value in expected.items():
        if key.startswith("grad/"):
            close(found[key.removeprefix("grad/")], value, **GRADIENTS)
    for name, stored in meta["momentum_after"].items():
        if not FUSION.match(name):
            total = after[name].double().sum().float()
            close(total, torch.tensor(stored["sum"]), rtol=1e-5, atol=1e-4)
    for name in ("image_queue", "text_queue", "idx_queue", "queue_ptr"):
        close(after[name], expected[f"{name}_after"])


@cases
def test_the_temperature_is_not_clamped(case, tmp_path):
    choices, stored = read(case, "out_distill_a04"), read_json(case, "meta")["temp_not_clamped"]
    pretrainer = main(case, tmp_path, "distill_a04")
    pretrainer.space.temperature.data.fill_(stored["temp_before"])
    draw(pretrainer, choices["neg_image_idx"], choices["neg_text_idx"])
    report = pretrainer(main_batch(case), begin(pretrainer))
    assert pretrainer.space.temperature.item() == pytest.approx(stored["temp_after"])
    close(report.losses["itc"], torch.tensor(stored["loss_ita"]))


def wide(case: Path, folder: Path, alpha: float | None) -> Pretrainer:
    return tuned(folder, recorded_sizes(case), read(case, "weights"), torch.float64, alpha)


def wide_batch(case: Path, pretrainer: Pretrainer, number: int) -> Batch:
    inputs = read(case, "inputs")
    at = f"step{number}."
    draw(pretrainer, inputs[f"{at}neg_image_for_text"], inputs[f"{at}neg_text_for_image"])
    names = ("image", "input_ids", "attention_mask")
    shown = batch(*(inputs[at + name] for name in names), torch.float64)
    return replace(shown, image_id=inputs[f"{at}image_id"])


@width_cases
@pytest.mark.parametrize(("prefix", "alpha"), [("", 0.4), ("nodistill.", None)])
def test_two_steps_where_every_width_differs(case, prefix, alpha, tmp_path):
    expected, meta = read(case, "expected"), read_json(case, "meta")
    pretrainer = wide(case, tmp_path, alpha)
    rate = Constant(value=meta["optimizer"]["lr"])
    settings = AdamW(lr=rate, decay_temperature=True, decay_tables=True)
    optimizer = settings.build(pretrainer.named_parameters())
    for number in (1, 2):
        at = f"{prefix}step{number}."
        optimizer.zero_grad()
        shown, progress = wide_batch(case, pretrainer, number), begin(pretrainer, number - 1)
        report = pretrainer(shown, progress)
        report.loss.backward()
        close(report.loss, expected[f"{at}loss_total"], **EXACT)
        for ours, theirs in LOSSES.items():
            close(report.losses[ours], expected[at + theirs], **EXACT)
        found = gradients(pretrainer, RETRIEVAL)
        probes_agree(found, meta[f"{prefix}grad_probes_step{number}"])
        for key, value in expected.items():
            if key.startswith(f"{at}grad."):
                close(found[key.removeprefix(f"{at}grad.")], value, **EXACT)
        settings.prepare(optimizer, progress)
        optimizer.step()
        after = weights(pretrainer, RETRIEVAL)
        for name in ("image_queue", "text_queue", "idx_queue", "queue_ptr"):
            close(after[name], expected[f"{at}{name}_after"], **EXACT)
        for who in ("teacher", "student"):
            stored = meta[f"{prefix}{who}_probes_after_step{number}"]
            probes_agree(after, stored, moved=True)
    close(after["temp"], expected[f"{prefix}temp_after_step2"], **EXACT)


@width_cases
@torch.no_grad()
def test_everything_the_first_step_computes(case, tmp_path):
    expected, pretrainer = read(case, "expected"), wide(case, tmp_path, 0.4)
    step = pretrainer.step(wide_batch(case, pretrainer, 1), begin(pretrainer))
    student, teacher = step.student, step.teacher
    own = step.predictions["itc"]
    assert own.advice is not None
    weigh = Hard(exclude="image").log_weights(step)
    found = {
        "visual_tokens": student.images().tokens,
        "text_tokens": student.texts().tokens,
        "image_feat": student.image_features(),
        "image_feat_m": teacher.image_features(),
        "text_feat": student.text_features(),
        "text_feat_m": teacher.text_features(),
        "sim_i2t": student.similarities().image_to_text,
        "sim_t2i": student.similarities().text_to_image,
        "hard_targets": own.answers[:6],
        "targets_i2t": own.advice[:6],
        "targets_t2i": own.advice[6:],
        "itm_logits": step.predictions["itm"].logits,
        "neg_weights_i2t": weigh[0].exp(),
        "neg_weights_t2i": weigh[1].exp(),
    }
    for name, tensor in found.items():
        close(tensor, expected[f"step1.{name}"], **EXACT)
