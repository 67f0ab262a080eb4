"""Texts assigned to one of two images, or to neither."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from albefkit.assemble import Assembly, assemble
from albefkit.data.base import Dataset, Item, Split
from albefkit.data.sampler import Order
from albefkit.data.scenes.dataset import Scenes
from albefkit.engine.step import Step
from albefkit.feeding import train_loader
from albefkit.objectives.text_assignment import TextAssignment
from albefkit.predictions import Choice
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from albefkit.tensors import Batch, TextView

MICRO = Path(__file__).parents[1] / "micro.yaml"
NAMES = ("red", "green", "blue")
LAYERS = "layers: 1, heads: 2, feed_forward: 32, dropout: 0.0, pretrained: false"
START = Progress(step=0, steps_per_epoch=4, epochs=1)


class ColoursSplit(Split):
    """A plain picture and the name of its colour."""

    fingerprint = "captioned colours"

    def __len__(self):
        return 48

    def item(self, index, rng):
        colour = index % len(NAMES)
        picture = np.zeros((32, 32, 3), np.uint8)
        picture[..., colour] = 255
        return Item(picture, NAMES[colour], index)

    def captions(self):
        return NAMES


class CaptionedColours(Dataset):
    def split(self, name):
        return ColoursSplit()


class PairsOfColours(CaptionedColours):
    @property
    def images_per_text(self):
        return 2


@pytest.fixture(autouse=True)
def known(tmp_path, monkeypatch):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path))
    with CaptionedColours.register("colours"), PairsOfColours.register("pairs-of-colours"):
        yield


def build(*sets: str) -> Assembly:
    edits = [
        "objectives={itc: null, itm: null, mlm: null, mod: null, assign: {type: text-assignment}}",
        f"model.fusion={{type: paired-cross-attention, {LAYERS}, initial_std: 0.3}}",
        "alignment.keys=in-batch",
        "data={type: colours}",
        *sets,
    ]
    return assemble(load_recipe(MICRO, sets=edits))


def batches(assembly: Assembly, count: int) -> list[Batch]:
    return list(train_loader(assembly, Order(0, 48, 8)).batches(0, count))


def objective(**settings) -> TextAssignment:
    return TextAssignment("assign", Scenes(), **settings)


def looked_at(features: torch.Tensor, image_id=None, text_id=None, seed: int = 0) -> Step:
    """As much of a step as choosing pairs takes."""
    rows = torch.arange(len(features))
    ids = torch.zeros(len(features), 1, dtype=torch.int64)
    batch = Batch(
        features[:, :, None, None],
        TextView(ids, ids > -1),
        image_id=rows if image_id is None else torch.tensor(image_id),
        text_id=rows if text_id is None else torch.tensor(text_id),
    )
    return SimpleNamespace(  # type: ignore[return-value]
        batch=batch,
        device=features.device,
        student=SimpleNamespace(image_features=lambda: features),
        generator=lambda name: torch.Generator().manual_seed(seed),
    )


def unit(rows: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(rows, 3, generator=torch.Generator().manual_seed(seed)), dim=1)


def answers(step: Step, asked: TextAssignment) -> Choice:
    pairs = asked.pairs(step)
    pooled = torch.zeros(len(pairs), 3)
    who = SimpleNamespace(
        network=SimpleNamespace(heads={"assign": torch.nn.Identity()}),
        fused=lambda name: SimpleNamespace(pooled=pooled),
    )
    step.pairs = {"assign": pairs}
    return asked.predict(step, who)  # type: ignore[arg-type]


def test_a_text_meets_its_own_image_first_second_or_not_at_all():
    step = looked_at(unit(50))
    choice, pairs = answers(step, objective()), step.pairs["assign"]
    own = torch.arange(50)
    for row in range(50):
        first, second = pairs.image[row].tolist()
        assert first != second
        places = [place for place, shown in enumerate((first, second)) if shown == row]
        assert places == [choice.answers[row]] if places else choice.answers[row] == 2
    assert torch.equal(pairs.text, own) and choice.answers.bincount().min() > 5
    assert choice.chance == pytest.approx(math.log(3)) and choice.skipped() == 0


def test_wrong_images_are_drawn_by_likeness_and_never_twice():
    features, asked = unit(4), objective(temperature=0.5)
    weight = (features @ features.T / 0.5).softmax(1).fill_diagonal_(0)
    weight = weight / weight.sum(1, keepdim=True)
    counts, times = torch.zeros(4, 5, 5), 6000
    for seed in range(times):
        pairs = asked.pairs(looked_at(features, seed=seed)).image
        for row, (first, second) in enumerate(pairs.tolist()):
            counts[row, first, second] += 3 / times
    for row in range(4):
        wrong = [other for other in range(4) if other != row]
        for one in wrong:
            torch.testing.assert_close(counts[row, row, one], weight[row, one], atol=0.05, rtol=0)
            torch.testing.assert_close(counts[row, one, row], weight[row, one], atol=0.05, rtol=0)
            for two in wrong:
                after = weight[row, two] / (1 - weight[row, one]) if two != one else 0.0
                expected = weight[row, one] * after
                assert abs(counts[row, one, two] - expected) < 0.05


def test_images_of_the_same_kind_are_no_wrong_images():
    step = looked_at(unit(6), image_id=[0, 0, 1, 2, 3, 4], text_id=[0, 1, 2, 2, 3, 4])
    forbidden = {"image-or-text": {(0, 1), (2, 3)}, "image": {(0, 1)}, "pair": set()}
    for exclude, never in forbidden.items():
        weight = objective(exclude=exclude).log_weights(step).exp()
        zero = {(a, b) for a, b in (weight == 0).nonzero().tolist() if a < b}
        assert zero == never and (weight.diagonal() == 0).all()


def test_likeness_that_underflows_is_no_obstacle():
    features = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.1]]), dim=1)
    for seed in range(20):
        image = objective(temperature=1e-3).pairs(looked_at(features, seed=seed)).image
        shown = set(image[0].tolist())
        assert len(shown) == 2 and 1 in shown  # the other one is e^-1990 times as likely


@pytest.mark.parametrize(
    ("image_id", "alone"),
    [([0], [0]), ([0, 1], [0, 1]), ([0, 1, 2], []), ([0, 0, 0, 1], [0, 1, 2])],
)
def test_texts_without_two_wrong_images_stand_for_nothing_and_are_counted(image_id, alone):
    choice = answers(looked_at(unit(len(image_id)), image_id=image_id), objective())
    assert choice.weight is not None
    assert (choice.weight == 0).nonzero().flatten().tolist() == alone
    assert choice.skipped() == len(alone) and choice.loss().isfinite()


def test_choices_are_a_function_of_the_step():
    assembly = build()
    (batch,) = batches(assembly, 1)
    later = Progress(step=1, steps_per_epoch=4, epochs=1)
    first, again, other = (
        assembly.pretrainer.step(batch, when).pairs["assign"].image
        for when in (START, START, later)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_objectives_of_one_image_are_refused_beside_it():
    assembly = build("objectives.mlm={}")
    with pytest.raises(
        ComponentError, match=r"objectives\.mlm(.|\n)*a text with 1 image, and Paired"
    ):
        assembly.pretrainer.step(batches(assembly, 1)[0], START)


def test_it_learns_to_tell_colours_apart():
    assembly = build("optimizer.lr={type: constant, value: 5e-3}")
    pretrainer = assembly.pretrainer
    optimizer = assembly.optimizer.build(pretrainer.named_parameters())
    losses = []
    for number, batch in enumerate(batches(assembly, 100)):
        progress = Progress(step=number, steps_per_epoch=6, epochs=17)
        assembly.optimizer.prepare(optimizer, progress)
        report = pretrainer(batch, progress)
        optimizer.zero_grad()
        report.loss.backward()
        optimizer.step()
        losses.append(report.loss.item())
    assert sum(losses[-8:]) / 8 < math.log(3) / 2


def test_data_parallelism_waits_for_no_gradient():
    assembly = build()
    still = {n for n, p in assembly.pretrainer.named_parameters() if not p.requires_grad}
    assert "student.image_projection.weight" in still and "space.temperature" in still
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        parallel = DistributedDataParallel(assembly.pretrainer, broadcast_buffers=False)
        for batch in batches(assembly, 2):  # the second forward finds out what was waited for
            parallel(batch, START).loss.backward()
    finally:
        dist.destroy_process_group()


def test_projections_learn_where_somebody_trains_them():
    assembly = build("objectives.itc={}", "objectives.assign.exclude=pair")
    assert all(weight.requires_grad for weight in assembly.pretrainer.student.parameters())


def test_a_fusion_of_one_image_is_refused():
    with pytest.raises(ComponentError, match="meets 2 images here, and CrossAttention takes 1"):
        build(f"model.fusion={{type: cross-attention, {LAYERS}}}")


def test_data_with_two_images_are_refused():
    with pytest.raises(ComponentError, match="PairsOfColours speaks of 2 images"):
        build("data={type: pairs-of-colours}")
