"""The reference against the released code's own numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from albefkit.assemble import assemble
from albefkit.bench.reference.candidates import Features, Queue, same
from albefkit.bench.reference.contrast import compare
from albefkit.bench.reference.matching import partner_weights
from albefkit.bench.reference.step import Reference
from albefkit.objectives.negatives import WrongPartners
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.tensors import Batch, TextView
from tests.golden import test_pretrain, test_pretrain_widths
from tests.golden.released_run import (
    STEPS_PER_EPOCH,
    Recorded,
    gradients,
    read,
    read_json,
    recorded_recipe,
    recorded_sizes,
    released_state,
    take_weights,
    weights,
)

LOSSES = {"itc": "loss_ita", "itm": "loss_itm", "mlm": "loss_mlm"}
EXACT = {"rtol": 1e-9, "atol": 1e-10}


def reference(folder: Path, sizes, state: dict[str, Tensor], alpha: float) -> Reference:
    """The parts of albef_base at recorded sizes, with released weights, in float64."""
    path = recorded_recipe(folder, sizes, alpha)
    assembly = assemble(load_recipe(path, sets=["optimizer.lr=1e-4"]))
    take_weights(assembly.pretrainer, state, torch.float64)
    return Reference(assembly)


def taken(recorded: Recorded, number: int) -> tuple[Batch, Progress, TextView, WrongPartners]:
    """The arguments of a recorded step."""
    ones = torch.ones(len(recorded.ids), dtype=torch.float64)
    return (
        recorded.batch(torch.float64),
        Progress(step=number, steps_per_epoch=STEPS_PER_EPOCH, epochs=1),
        TextView(recorded.hidden_ids, recorded.mask.bool(), recorded.labels),
        WrongPartners(recorded.negative_image, recorded.negative_text, ones, ones),
    )


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual.detach(), expected.double(), **EXACT)


@test_pretrain_widths.cases
@pytest.mark.parametrize("alpha", [0.4, 0.0])
def test_two_steps_where_every_width_differs(case, alpha, tmp_path):
    label = f"alpha{int(alpha * 10):02d}"
    expected, probes = read(case, f"expected_{label}"), read_json(case, "meta")[label]
    released = reference(tmp_path, recorded_sizes(case), read(case, "weights"), alpha)
    for number in (1, 2):
        recorded = test_pretrain_widths.recorded(case, number)
        losses = released.step(*taken(recorded, number - 1))
        for ours, theirs in LOSSES.items():
            close(losses[ours], expected[f"step{number}.{theirs}"])
        found, after = gradients(released.pretrainer), weights(released.pretrainer)
        for kept, tensors, moved in (
            ("grad_probes_step", found, False),
            ("teacher_probes_after_step", after, True),
            ("student_probes_after_step", after, True),
        ):
            test_pretrain_widths.probes_agree(tensors, probes[f"{kept}{number}"], moved)
        queue = released.candidates
        assert isinstance(queue, Queue)
        close(queue.image, expected[f"step{number}.image_queue_after"])
        close(queue.text, expected[f"step{number}.text_queue_after"])
        assert [queue.pointer] == expected[f"step{number}.queue_ptr_after"].tolist()
        close(after["temp"], expected[f"step{number}.temp_after"])


@test_pretrain_widths.cases
@torch.no_grad()
def test_everything_on_the_way(case, tmp_path):
    expected, recorded = read(case, "expected_alpha04"), test_pretrain_widths.recorded(case, 1)
    released = reference(tmp_path, recorded_sizes(case), read(case, "weights"), 0.4)
    batch, progress, hidden, _ = taken(recorded, 0)
    ids, mask, temperature = batch.text.ids, batch.text.mask, released.pretrainer.space.temperature
    released.follow(progress)
    seen = {}
    for who, suffix in ((released.student, ""), (released.teacher, "_m")):
        image, text = who.images(batch.images), who.texts(ids, mask)
        states = who.read_with_image(hidden.ids, mask, image.tokens)
        seen[suffix] = Features(image.feature, text.feature)
        close(image.tokens, expected[f"step1.visual_tokens{suffix}"])
        close(text.tokens, expected[f"step1.text_tokens{suffix}"])
        close(image.feature, expected[f"step1.image_feat{suffix}"])
        close(text.feature, expected[f"step1.text_feat{suffix}"])
        close(who.words(states, "mlm"), expected[f"step1.mlm_logits{suffix}"])
        if not suffix:
            matched = who.fuse(text.tokens, mask, image.tokens)
            close(matched, expected["step1.fusion_tokens_pos"])
    choice, _ = released.candidates.candidates(seen[""], seen["_m"], batch)
    similarities = compare(seen[""], choice, temperature)
    close(similarities.image_to_text, expected["step1.sim_i2t"])
    close(similarities.text_to_image, expected["step1.sim_t2i"])
    excluded = same("pair", batch, batch.image_id[None], batch.text_id[None])
    text_weight, image_weight = partner_weights(similarities, excluded)
    close(text_weight, expected["step1.neg_weights_i2t"])
    close(image_weight, expected["step1.neg_weights_t2i"])


@test_pretrain.cases
@test_pretrain.alphas
def test_the_main_set(case, alpha, tmp_path):
    meta = read_json(case, "meta")[f"{alpha}_f64"]
    strength = test_pretrain.ALPHAS[alpha]
    released = reference(tmp_path, test_pretrain.SIZES, released_state(case), strength)
    recorded = test_pretrain.recorded(case, read(case, f"out_{alpha}"))
    losses = released.step(*taken(recorded, 0))
    for ours, theirs in LOSSES.items():
        close(losses[ours], torch.tensor(meta[theirs], dtype=torch.float64))
    found = gradients(released.pretrainer)
    for name, stored in meta["grad"].items():
        expected = torch.tensor(
            [stored["norm"], stored["sum"], stored["proj"]], dtype=torch.float64
        )
        actual = torch.tensor(test_pretrain.fingerprint(found[name], 1), dtype=torch.float64)
        scale = 1e-10 * max(1.0, stored["norm"])
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=scale)
