"""The reference computes what albefkit's own step computes: losses, gradients, weights."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from albefkit.alignment.momentum_queue import MomentumQueue
from albefkit.assemble import assemble
from albefkit.bench.reference.candidates import Queue
from albefkit.bench.reference.contrast import Similarities
from albefkit.bench.reference.matching import draw_partners
from albefkit.bench.reference.step import Reference
from albefkit.layers.attention import Attention
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from tests.bench.sides import MICRO, QUEUE, ROWS, at, batches, both, grads, micro, similar_pairs

EXACT = {"rtol": 1e-9, "atol": 1e-9}
XCIT = "model.vision.name=xcit_nano_12_p16_224"
RELEASED = [
    "objectives.itc.positives=pair",
    "objectives.itm.negatives.exclude=pair",
    "objectives.mlm.special_words=true",
    "optimizer.decay_temperature=true",
    "optimizer.decay_tables=true",
    "train.clip_norm=null",
]
KINDS = {
    "released": RELEASED,
    "queue, sound": [],
    "retrieval": ["objectives.itc.positives=image", "objectives.itm.negatives.exclude=image"],
    "in-batch": ["alignment.keys={type: in-batch}"],
    "in-batch, xcit": ["alignment.keys={type: in-batch}", XCIT],
}


@pytest.mark.parametrize("sets", KINDS.values(), ids=KINDS)
def test_two_steps_are_equal(sets):
    assembly = micro(*sets)
    own, reference = both(assembly)
    for number, batch in enumerate(batches(assembly, 2)):
        batch, progress = similar_pairs(batch), at(number)
        partners = own.partners(batch, progress)
        report = own.step(batch, progress)
        losses = reference.step(batch, progress, partners=partners)
        assert list(losses) == ["itc", "itm", "mlm"]
        torch.testing.assert_close(losses, {name: report.losses[name] for name in losses}, **EXACT)
        torch.testing.assert_close(grads(reference.pretrainer), grads(own.pretrainer), **EXACT)
        ours, theirs = own.pretrainer.state_dict(), reference.pretrainer.state_dict()
        for name, tensor in theirs.items():
            # Keys have no true gradient: what moves them is rounding. The queue is kept elsewhere.
            if not name.startswith("space.keys") and not name.endswith(("key.bias", "qkv.bias")):
                torch.testing.assert_close(tensor, ours[name], **EXACT, msg=name)


def test_the_queue_is_moved_alike():
    assembly = micro()
    own, reference = both(assembly)
    for number, batch in enumerate(batches(assembly, 6)):
        own.step(batch, at(number))
        reference.follow(at(number))
        reference.forward(batch, at(number))
        reference.pretrainer.load_state_dict(own.pretrainer.state_dict())
    keys, queue = own.pretrainer.space.keys, reference.candidates
    assert isinstance(keys, MomentumQueue) and isinstance(queue, Queue)
    torch.testing.assert_close(queue.image.t(), keys.image_queue, **EXACT)
    torch.testing.assert_close(queue.text.t(), keys.text_queue, **EXACT)
    assert torch.equal(queue.image_id[0], keys.image_id)
    assert torch.equal(queue.text_id[0], keys.text_id)
    assert queue.pointer == int(keys.pointer) == 8


def test_nobody_is_paired_with_who_is_excluded():
    """As often as the softmax says, and never where nothing is allowed."""
    torch.manual_seed(0)
    logits = torch.tensor([[9.0, 0.0, 0.0], [1.0, 9.0, 3.0], [0.0, 0.0, 9.0]])
    excluded = torch.eye(3, dtype=torch.bool)
    excluded[0] = True
    drawn = [draw_partners(Similarities(logits, logits), excluded) for _ in range(400)]
    texts = torch.stack([partners.text for partners in drawn]).T
    assert all(partners.text_found.tolist() == [0, 1, 1] for partners in drawn)
    assert set(texts[1].tolist()) == {0, 2} and set(texts[2].tolist()) == {0, 1}
    share = torch.tensor([1.0, 3.0]).softmax(0)[1].item()
    assert (texts[1] == 2).double().mean().item() == pytest.approx(share, abs=0.06)


def test_a_pair_without_partner_stands_for_nothing():
    assembly = micro("objectives.itm.negatives.exclude=image", "objectives.itc.positives=image")
    own, reference = both(assembly)
    batch = batches(assembly, 1)[0]
    batch = dataclasses.replace(batch, image_id=torch.full_like(batch.image_id, 7))
    losses = reference.step(batch, at(0))
    report = own.step(batch, at(0))
    torch.testing.assert_close(losses["itm"], report.losses["itm"], **EXACT)


def test_a_step_is_a_function_of_its_progress():
    assembly = micro("model.text.dropout=0.1", "model.fusion.dropout=0.1")
    batch = batches(assembly, 1)[0]

    def loss(step: int) -> float:
        return sum(map(float, Reference(assembly).step(batch, at(step)).values()))

    assert loss(0) == loss(0) != loss(1)


@pytest.mark.parametrize("weights_too", [True, False], ids=["weights", "states"])
def test_the_student_drops_states_and_attention_weights(weights_too):
    reference = Reference(micro("model.text.dropout=0.5", "model.fusion.dropout=0.5"))
    for name, part in reference.pretrainer.student.named_modules():
        of_weights = isinstance(part, Attention) or name.endswith("attention.self.dropout")
        if isinstance(part, nn.Dropout) and of_weights is not weights_too:
            part.p = 0.0
        if isinstance(part, Attention) and not weights_too:
            part.dropout = 0.0
    batch = batches(micro(), 1)[0]
    image = torch.randn(ROWS, 5, 16, dtype=torch.float64)
    text = [reference.student.texts(batch.text.ids, batch.text.mask).tokens for _ in range(2)]
    fused = [reference.student.fuse(text[0], batch.text.mask, image) for _ in range(2)]
    assert not torch.equal(*text) and not torch.equal(*fused)
    reference.pretrainer.eval()
    text = [reference.student.texts(batch.text.ids, batch.text.mask).tokens for _ in range(2)]
    fused = [reference.student.fuse(text[0], batch.text.mask, image) for _ in range(2)]
    assert torch.equal(*text) and torch.equal(*fused)


@pytest.mark.parametrize("advised", [True, False], ids=["dropout", "no dropout"])
def test_the_teacher_drops_out_only_where_asked(advised):
    assembly = micro("model.text.dropout=0.5", f"teacher.dropout={str(advised).lower()}")
    batch, reference = batches(assembly, 1)[0], Reference(assembly)
    seen = [
        reference.teacher.texts(batch.text.ids, batch.text.mask).feature.detach() for _ in range(2)
    ]
    assert torch.equal(*seen) is not advised


@pytest.mark.parametrize(
    ("tower", "as_it_is"),
    [("deit_base_patch16_224", False), ("vit_small_patch14_dinov2", True), (None, True)],
)
def test_towers_that_the_released_code_does_not_know_are_called_as_they_are(tower, as_it_is):
    name = f"model.vision.name={tower}" if tower else XCIT
    assembly = micro(name)
    reference, called = Reference(assembly), []
    vision = reference.pretrainer.student.vision
    assert vision is not None
    vision.register_forward_hook(lambda *_: called.append(True))
    images = batches(assembly, 1)[0].images
    found = reference.student.images(images).tokens
    assert bool(called) is as_it_is
    torch.testing.assert_close(found, vision(images).tokens, **EXACT)


REFUSED = {
    "objectives.mlm=null": "objectives  are ITC, ITM, MoD",
    "objectives.itm.negatives=random": "objectives.itm.negatives  is Random",
    "objectives.itm.weight=0.5": "objectives.itm.weight  is 0.5",
    "objectives.mod.of=[itc]": "objectives.mod.of  is itc",
    "alignment.keys.unfilled=masked": "alignment.keys.unfilled  is masked",
    "teacher={type: frozen}": "teacher  is Frozen",
    "train.accumulate=2": "train.accumulate  is 2",
    "model.fusion={type: joint, layers: 1, heads: 2, pretrained: false}": "model.fusion  is Joint",
    "model.vision={type: patches, image_size: 32, width: 16}": "model.vision  is Patches",
    "model.text.name=distilbert-base-uncased": "model.text  is of type distilbert",
}


@pytest.mark.parametrize("edit", REFUSED)
def test_what_the_released_step_does_not_do_is_refused(edit):
    assembly = assemble(load_recipe(MICRO, sets=[QUEUE, edit]))
    with pytest.raises(ComponentError) as refusal:
        Reference(assembly)
    first, *rest = str(refusal.value).splitlines()
    assert REFUSED[edit] in f"{first}  {' '.join(rest).strip()}"


def test_batches_fill_the_queue_evenly():
    assembly = micro("alignment.keys.size=42")
    with pytest.raises(ComponentError, match="is 42, which batches of 8 do not fill evenly"):
        Reference(assembly).step(batches(assembly, 1)[0], at(0))
