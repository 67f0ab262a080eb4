"""One pre-training step and two optimizer steps against the released code's own numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from albefkit.objectives.hard_negatives import Hard
from albefkit.objectives.masking import Draws, hide
from albefkit.tensors import TextView
from tests.golden.cases import case_dirs, case_name
from tests.golden.released_run import (
    FLOAT32,
    Recorded,
    Sizes,
    begin,
    build,
    fingerprint,
    gradients,
    key_bias,
    read,
    read_json,
    released_adamw,
    released_state,
    weights,
)

SIZES = Sizes(vision_width=64, text_width=64, feed_forward=256, positions=64, shared_width=32)
FLOAT64 = {"rtol": 1e-9, "atol": 1e-10}
ALPHAS = {"a04": 0.4, "a00": 0.0}
LOSSES = {"itc": "loss_ita", "itm": "loss_itm", "mlm": "loss_mlm"}
MASK_ID, PAD_ID, CLS_ID = 103, 0, 101

cases = pytest.mark.parametrize("case", case_dirs("pretrain"), ids=case_name)
alphas = pytest.mark.parametrize("alpha", ALPHAS)


def recorded(case: Path, choices: dict[str, Tensor], step: str = "", prefix: str = "") -> Recorded:
    inputs = read(case, "inputs")
    return Recorded(
        images=inputs[f"image{step}"],
        ids=inputs[f"input_ids{step}"],
        mask=inputs[f"attention_mask{step}"],
        hidden_ids=choices[f"{prefix}mlm_input_ids"],
        labels=choices[f"{prefix}mlm_labels"],
        negative_image=choices[f"{prefix}neg_image_idx"],
        negative_text=choices[f"{prefix}neg_text_idx"],
    )


def close(actual: Tensor, expected: Tensor, tolerance: dict[str, float]) -> None:
    torch.testing.assert_close(actual.detach(), expected.to(actual.dtype), **tolerance)


@cases
@alphas
def test_everything_a_step_computes(case, alpha, tmp_path):
    expected = read(case, f"out_{alpha}")
    pretrainer = build(tmp_path, SIZES, released_state(case), torch.float32, ALPHAS[alpha])
    batch, progress = begin(pretrainer, recorded(case, expected))
    step = pretrainer.step(batch, progress)
    student, teacher = step.student, step.teacher
    sims, sims_m = student.similarities(), teacher.similarities()
    positives, negatives = student.fused("itm").pooled.split([6, 12])
    tempered = step.predictions["itc"].advice
    assert tempered is not None
    targets = tempered.split(6)
    labels = expected["mlm_labels"]
    found = {
        "image_embeds": student.images().tokens,
        "image_embeds_m": teacher.images().tokens,
        "text_embeds": student.texts().tokens[:6],
        "text_embeds_m": teacher.texts().tokens[:6],
        "image_feat": student.image_features(),
        "image_feat_m": teacher.image_features(),
        "text_feat": student.text_features(),
        "text_feat_m": teacher.text_features(),
        "sim_i2t": sims.image_to_text,
        "sim_t2i": sims.text_to_image,
        "sim_i2t_m": sims_m.image_to_text,
        "sim_t2i_m": sims_m.text_to_image,
        "targets_i2t": targets[0],
        "targets_t2i": targets[1],
        "fusion_pos_cls": positives,
        "fusion_neg_cls": negatives,
        "itm_logits": step.predictions["itm"].logits,
        "loss_mlm_hard": step.predictions["mlm"].hard_loss(),
    }
    for name, tensor in found.items():
        close(tensor, expected[name], FLOAT32)
    hidden = labels != -100
    close(step.predictions["mlm"].logits, expected["mlm_logits"][hidden], FLOAT32)
    answer = step.objectives["mlm"].predict(step, teacher)
    assert answer is not None
    close(answer.logits, expected["mlm_logits_m"][hidden], FLOAT32)
    for ours, theirs in LOSSES.items():
        close(step.predictions[ours].loss(), expected[theirs], FLOAT32)


@cases
@alphas
def test_what_a_step_leaves_behind(case, alpha, tmp_path):
    expected, meta = read(case, f"out_{alpha}"), read_json(case, "meta")[alpha]
    pretrainer = build(tmp_path, SIZES, released_state(case), torch.float32, ALPHAS[alpha])
    batch, progress = begin(pretrainer, recorded(case, expected))
    report = pretrainer(batch, progress)
    report.loss.backward()
    close(report.loss, expected["loss_total"], FLOAT32)
    found, after = gradients(pretrainer), weights(pretrainer)
    for name, stored in meta["grad"].items():
        if stored is None or key_bias(name):
            continue
        expect = torch.tensor([stored["norm"], stored["sum"], stored["proj"]])
        scale = {"rtol": 1e-4, "atol": 2e-5 * max(1.0, stored["norm"])}
        close(torch.tensor(fingerprint(found[name], 1)), expect, scale)
    for key, value in expected.items():
        if key.startswith("grad/"):
            close(found[key.removeprefix("grad/")], value, {"rtol": 1e-4, "atol": 2e-5})
        if key.startswith("momentum_after/"):
            close(after[key.removeprefix("momentum_after/")], value, FLOAT32)
    for name, stored in meta["momentum_after"].items():
        close(after[name].double().sum(), torch.tensor(stored["sum"]), {"rtol": 1e-5, "atol": 1e-4})
    close(after["image_queue"], expected["image_queue_after"], FLOAT32)
    close(after["text_queue"], expected["text_queue_after"], FLOAT32)
    assert after["queue_ptr"].tolist() == expected["queue_ptr_after"].tolist()


@cases
def test_each_loss_reaches_the_parameters_it_reached(case, tmp_path):
    expected, meta = read(case, "out_a04"), read_json(case, "meta")["a04"]
    pretrainer = build(tmp_path, SIZES, released_state(case), torch.float32)
    batch, progress = begin(pretrainer, recorded(case, expected))
    step = pretrainer.step(batch, progress)
    for ours, theirs in LOSSES.items():
        pretrainer.zero_grad(set_to_none=True)
        step.predictions[ours].loss().backward(retain_graph=True)
        found = gradients(pretrainer)
        for name, norm in meta["grad_norm_per_loss"][theirs.removeprefix("loss_")].items():
            if not key_bias(name):
                expect = torch.tensor(norm or 0.0)
                close(found[name].norm(), expect, {"rtol": 2e-4, "atol": 2e-5})


@cases
@alphas
def test_float64_to_nine_digits(case, alpha, tmp_path):
    choices, meta = read(case, f"out_{alpha}"), read_json(case, "meta")[f"{alpha}_f64"]
    pretrainer = build(tmp_path, SIZES, released_state(case), torch.float64, ALPHAS[alpha])
    batch, progress = begin(pretrainer, recorded(case, choices))
    step = pretrainer.step(batch, progress)
    for ours, theirs in LOSSES.items():
        expect = torch.tensor(meta[theirs], dtype=torch.float64)
        close(step.predictions[ours].loss(), expect, FLOAT64)
    torch.stack([choice.loss() for choice in step.predictions.values()]).sum().backward()
    found = gradients(pretrainer)
    for name, stored in meta["grad"].items():
        expect = torch.tensor([stored["norm"], stored["sum"], stored["proj"]], dtype=torch.float64)
        actual = torch.tensor(fingerprint(found[name], 1), dtype=torch.float64)
        close(actual, expect, {"rtol": 1e-9, "atol": 1e-10 * max(1.0, stored["norm"])})
    if alpha != "a04":
        return
    expected = read(case, "out_a04_f64")
    tensors = {
        "image_embeds": step.student.images().tokens,
        "text_embeds": step.student.texts().tokens[:6],
        "image_feat": step.student.image_features(),
        "text_feat": step.student.text_features(),
        "image_feat_m": step.teacher.image_features(),
        "text_feat_m": step.teacher.text_features(),
        "sim_i2t": step.student.similarities().image_to_text,
        "sim_t2i": step.student.similarities().text_to_image,
        "fusion_pos_cls": step.student.fused("itm").pooled[:6],
        "itm_logits": step.predictions["itm"].logits,
    }
    for name, tensor in tensors.items():
        close(tensor, expected[name], FLOAT64)
    hidden = choices["mlm_labels"] != -100
    close(step.predictions["mlm"].logits, expected["mlm_logits"][hidden], FLOAT64)


@cases
def test_sampling_weights_of_hard_negatives(case, tmp_path):
    expected = read(case, "out_a04")
    pretrainer = build(tmp_path, SIZES, released_state(case), torch.float32)
    step = pretrainer.step(*begin(pretrainer, recorded(case, expected)))
    text_per_image, image_per_text = Hard(exclude="pair").log_weights(step)
    close(text_per_image.exp(), expected["weights_i2t"], FLOAT32)
    close(image_per_text.exp(), expected["weights_t2i"], FLOAT32)


@cases
@alphas
def test_recorded_draws_hide_the_recorded_words(case, alpha):
    expected, inputs = read(case, f"out_{alpha}"), read(case, "inputs")
    draws = Draws(
        select=expected["draw_bernoulli_select"].bool(),
        replace=expected["draw_bernoulli_replace"].bool(),
        scramble=expected["draw_bernoulli_random"].bool(),
        word=expected["draw_random_words"],
    )
    text = TextView(inputs["input_ids"], inputs["attention_mask"].bool())
    view = hide(text, draws, MASK_ID, frozenset({PAD_ID, CLS_ID}))
    assert torch.equal(view.ids, expected["mlm_input_ids"])
    assert view.labels is not None and torch.equal(view.labels, expected["mlm_labels"])


@cases
@pytest.mark.parametrize("exact", [False, True], ids=["float32", "float64"])
def test_two_steps_of_adamw(case, exact, tmp_path):
    first, second = read(case, "out_a04"), read(case, "out_two_step")
    meta = read_json(case, "meta")["two_step_f64" if exact else "two_step"]
    dtype = torch.float64 if exact else torch.float32
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if exact else {"rtol": 1e-4, "atol": 1e-5}
    pretrainer = build(tmp_path, SIZES, released_state(case), dtype)
    recipe = released_adamw()
    optimizer = recipe.build(pretrainer.named_parameters())
    batches = [recorded(case, first), recorded(case, second, step="_step2", prefix="step2/")]
    for number, batch in enumerate(batches):
        optimizer.zero_grad()
        inputs, progress = begin(pretrainer, batch, number)
        report = pretrainer(inputs, progress)
        report.loss.backward()
        recipe.prepare(optimizer, progress)
        optimizer.step()
        expected = meta[f"step{number + 1}"]
        for ours, theirs in LOSSES.items():
            close(report.losses[ours], torch.tensor(expected[theirs], dtype=dtype), tolerance)
        after = weights(pretrainer)
        for name, stored in expected["params_after"].items():
            if exact or not (key_bias(name) or name.endswith("qkv.bias")):
                expect = torch.tensor(stored["sq"], dtype=torch.float64)
                close(after[name].double().square().sum(), expect, tolerance)
        assert int(after["queue_ptr"]) == expected["queue_ptr_after"]
    if not exact:
        for key, value in second.items():
            if key.startswith("param_after_step2/"):
                close(after[key.removeprefix("param_after_step2/")], value, tolerance)


@cases
def test_the_temperature_is_clamped_before_the_step(case, tmp_path):
    choices = recorded(case, read(case, "out_a04"))
    for stored in read_json(case, "meta")["temp_clamp"]:
        pretrainer = build(tmp_path, SIZES, released_state(case), torch.float32)
        pretrainer.space.temperature.data.fill_(stored["temp_before"])
        report = pretrainer(*begin(pretrainer, choices))
        assert pretrainer.space.temperature.item() == pytest.approx(stored["temp_after_forward"])
        for ours, theirs in LOSSES.items():
            close(report.losses[ours], torch.tensor(stored[theirs]), FLOAT32)


@cases
def test_masked_word_zero_learns_only_as_an_answer(case, tmp_path):
    """[PAD]'s embedding takes no gradient through the lookup, but does as a row of the answers."""
    expected = read(case, "out_a04")
    pretrainer = build(tmp_path, SIZES, released_state(case), torch.float32)
    step = pretrainer.step(*begin(pretrainer, recorded(case, expected)))
    step.predictions["itm"].loss().backward()
    grad = pretrainer.student.text.word_embeddings.weight.grad
    assert grad[0].abs().max() == 0 and F.normalize(grad[1:], dim=1).abs().max() > 0
