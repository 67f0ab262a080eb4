"""Two pre-training steps with AdamW where every width differs, in float64."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from albefkit.engine.pretrainer import Pretrainer
from albefkit.objectives.hard_negatives import Hard
from albefkit.objectives.masking import Draws, hide
from albefkit.tensors import TextView
from tests.golden.cases import case_name, width_case_dirs
from tests.golden.released_run import (
    Recorded,
    begin,
    build,
    fingerprint,
    gradients,
    key_bias,
    read,
    read_json,
    recorded_sizes,
    released_adamw,
    weights,
)

LOSSES = {"itc": "loss_ita", "itm": "loss_itm", "mlm": "loss_mlm"}
EXACT = {"rtol": 1e-9, "atol": 1e-10}

cases = pytest.mark.parametrize("case", width_case_dirs("pretrain"), ids=case_name)


def released(case: Path, folder: Path, alpha: float) -> Pretrainer:
    return build(folder, recorded_sizes(case), read(case, "weights"), torch.float64, alpha)


def recorded(case: Path, step: int) -> Recorded:
    inputs = read(case, "inputs")
    names = [
        "image",
        "input_ids",
        "attention_mask",
        "mlm_input_ids",
        "mlm_labels",
        "neg_image_for_text",
        "neg_text_for_image",
    ]
    return Recorded(*(inputs[f"step{step}.{name}"] for name in names))


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual.detach(), expected, **EXACT)


def probes_agree(found: dict[str, Tensor], stored: dict[str, list[float]], moved: bool) -> None:
    """Compare fingerprints; an optimizer step has moved key biases by rounding noise."""
    for name, values in stored.items():
        if key_bias(name) or (moved and name.endswith("qkv.bias")):
            continue
        expected = torch.tensor(values, dtype=torch.float64)
        actual = torch.tensor(fingerprint(found[name], 0), dtype=torch.float64)
        scale = 1e-10 * max(1.0, values[0])
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=scale)


@cases
@pytest.mark.parametrize("alpha", [0.4, 0.0])
def test_two_steps(case, alpha, tmp_path):
    label = f"alpha{int(alpha * 10):02d}"
    expected, probes = read(case, f"expected_{label}"), read_json(case, "meta")[label]
    pretrainer = released(case, tmp_path, alpha)
    recipe = released_adamw()
    optimizer = recipe.build(pretrainer.named_parameters())
    for number in (1, 2):
        optimizer.zero_grad()
        batch, progress = begin(pretrainer, recorded(case, number), number - 1)
        report = pretrainer(batch, progress)
        report.loss.backward()
        for ours, theirs in LOSSES.items():
            close(report.losses[ours], expected[f"step{number}.{theirs}"])
        found = gradients(pretrainer)
        probes_agree(found, probes[f"grad_probes_step{number}"], moved=False)
        for key, value in expected.items():
            if key.startswith(f"step{number}.grad."):
                close(found[key.removeprefix(f"step{number}.grad.")], value)
        recipe.prepare(optimizer, progress)
        optimizer.step()
        after = weights(pretrainer)
        probes_agree(after, probes[f"teacher_probes_after_step{number}"], moved=True)
        probes_agree(after, probes[f"student_probes_after_step{number}"], moved=True)
        close(after["image_queue"], expected[f"step{number}.image_queue_after"])
        close(after["text_queue"], expected[f"step{number}.text_queue_after"])
        assert after["queue_ptr"].tolist() == expected[f"step{number}.queue_ptr_after"].tolist()
        close(after["temp"], expected[f"step{number}.temp_after"])


@cases
def test_everything_the_first_step_computes(case, tmp_path):
    expected = read(case, "expected_alpha04")
    pretrainer, choices = released(case, tmp_path, 0.4), recorded(case, 1)
    step = pretrainer.step(*begin(pretrainer, choices))
    student, teacher = step.student, step.teacher
    sims, sims_m = student.similarities(), teacher.similarities()
    advice = step.predictions["itc"].advice
    answer = step.objectives["mlm"].predict(step, teacher)
    assert advice is not None and answer is not None
    text_per_image, image_per_text = Hard(exclude="pair").log_weights(step)
    hidden = choices.labels != -100
    found = {
        "visual_tokens": student.images().tokens,
        "visual_tokens_m": teacher.images().tokens,
        "text_tokens": student.texts().tokens[:6],
        "text_tokens_m": teacher.texts().tokens[:6],
        "image_feat": student.image_features(),
        "image_feat_m": teacher.image_features(),
        "text_feat": student.text_features(),
        "text_feat_m": teacher.text_features(),
        "sim_i2t": sims.image_to_text,
        "sim_t2i": sims.text_to_image,
        "sim_i2t_m": sims_m.image_to_text,
        "sim_t2i_m": sims_m.text_to_image,
        "targets_i2t": advice[:6],
        "targets_t2i": advice[6:],
        "neg_weights_i2t": text_per_image.exp(),
        "neg_weights_t2i": image_per_text.exp(),
        "fusion_tokens_pos": student.fused("itm").text_tokens[:6],
        "fusion_cls_neg": student.fused("itm").pooled[6:],
        "itm_logits": step.predictions["itm"].logits,
    }
    for name, tensor in found.items():
        close(tensor, expected[f"step1.{name}"])
    close(step.predictions["mlm"].logits, expected["step1.mlm_logits"][hidden])
    close(answer.logits, expected["step1.mlm_logits_m"][hidden])


@cases
def test_gradients_of_each_loss(case, tmp_path):
    stored = read_json(case, "meta")["alpha04"]["grad_probes_step1_per_loss"]
    pretrainer = released(case, tmp_path, 0.4)
    step = pretrainer.step(*begin(pretrainer, recorded(case, 1)))
    for ours, theirs in LOSSES.items():
        pretrainer.zero_grad(set_to_none=True)
        step.predictions[ours].loss().backward(retain_graph=True)
        probes_agree(gradients(pretrainer), stored[theirs], moved=False)


@cases
@pytest.mark.parametrize("end", ["temp_high", "temp_low"])
def test_the_temperature_is_clamped_before_the_step(case, end, tmp_path):
    expected = read(case, "expected_tempclamp")
    pretrainer = released(case, tmp_path, 0.4)
    temperature = pretrainer.space.temperature
    temperature.data.fill_(expected[f"{end}.initial_temp"])
    batch, progress = begin(pretrainer, recorded(case, 1))
    report = pretrainer(batch, progress)
    report.loss.backward()
    for ours, theirs in LOSSES.items():
        close(report.losses[ours], expected[f"{end}.{theirs}"])
    close(temperature.grad, expected[f"{end}.grad_temp"])
    recipe = released_adamw()
    optimizer = recipe.build(pretrainer.named_parameters())
    recipe.prepare(optimizer, progress)
    optimizer.step()
    close(temperature, expected[f"{end}.temp_after"])


@cases
@pytest.mark.parametrize("number", [1, 2])
def test_recorded_draws_hide_the_recorded_words(case, number):
    inputs, ids = read(case, "inputs"), read_json(case, "meta")["config"]["special_ids"]
    drawn = {
        name: inputs[f"step{number}.mask_draw.{name}"]
        for name in ("selected", "replaced", "randomised", "random_words")
    }
    draws = Draws(*drawn.values())
    choices = recorded(case, number)
    view = hide(
        TextView(choices.ids, choices.mask.bool()),
        draws,
        ids["mask"],
        frozenset({ids["pad"], ids["cls"]}),
    )
    assert torch.equal(view.ids, choices.hidden_ids)
    assert view.labels is not None and torch.equal(view.labels, choices.labels)
