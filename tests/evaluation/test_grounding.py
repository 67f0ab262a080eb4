"""Grounding of a small network: what is asked of which layer, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from albefkit.alignment.in_batch import InBatch
from albefkit.alignment.space import NoSpace, Space
from albefkit.data.base import Dataset, Item, Split
from albefkit.data.transforms import EvalTransform
from albefkit.evaluation.base import Subject
from albefkit.evaluation.grounding import Ground
from albefkit.registry.errors import ComponentError, DataError
from tests.gradcam.networks import SENTENCES, small_network

BOXES = [(0.0, 0.0, 24.0, 16.0), (20.0, 4.0, 30.0, 40.0), (8.0, 8.0, 16.0, 16.0)]


class Photographs(Split):
    """Noise of several sizes, each with a box."""

    fingerprint = "photographs"

    def __init__(self, length: int, seed: int, fields: dict[str, object]) -> None:
        self._length, self._seed, self._fields = length, seed, fields

    def __len__(self) -> int:
        return self._length

    def item(self, index: int, rng: np.random.Generator) -> Item:
        noise = np.random.default_rng((self._seed, index))
        picture = noise.integers(0, 256, (48 + index % 3, 64, 3), dtype=np.uint8)
        box = BOXES[index % 3]
        about = {"box": box, "boxes": (box, BOXES[(index + 1) % 3])} | self._fields
        about = {name: value for name, value in about.items() if value is not None}
        return Item(picture, SENTENCES[index % 3], index, about)

    def captions(self):
        return SENTENCES


class Album(Dataset):
    def __init__(self, fields: dict[str, object]) -> None:
        self.fields, self.images, self.lengths = fields, 1, {"val": 40, "test": 24}

    @property
    def splits(self):
        return tuple(self.lengths)

    @property
    def images_per_text(self):
        return self.images

    def split(self, name):
        return Photographs(self.lengths[name], list(self.lengths).index(name), self.fields)


def subject(**fields: object) -> Subject:
    network = small_network().float()
    transform = EvalTransform(48, (0.5,) * 3, (0.5,) * 3)
    space = Space(InBatch(), 0.1, None)
    return Subject(network, space, Album(fields), transform, batch_size=7)


def box_shares(length: int) -> list[float]:
    shares = []
    for index in range(length):
        height, (x, y, w, h) = 48 + index % 3, BOXES[index % 3]
        inside = (min(64, x + w) - x) * (min(height, y + h) - y)
        shares.append(100 * inside / (64 * height))
    return shares


@pytest.mark.parametrize("maps", ["itm", "itc"])
def test_figures(maps):
    result = Ground(maps=maps, layer=0).evaluate(subject())
    assert result.split == "test"
    assert result.score == result.metrics["box_accuracy"]
    assert set(result.metrics) == {
        "pointing",
        "energy",
        "map_iou",
        "box_accuracy",
        "random_pointing",
        "centre_pointing",
    }
    assert result.chance["pointing"] == pytest.approx(np.mean(box_shares(24)))
    assert result.metrics["random_pointing"] == result.chance["pointing"]
    assert result.metrics["centre_pointing"] == pytest.approx(100 / 3)
    assert result.chance["box_accuracy"] == 50.0
    items = result.items
    assert items["index"] == list(range(24))
    assert 100 * np.mean(items["pointing"]) == pytest.approx(result.metrics["pointing"])
    right = [overlap >= 0.5 for overlap in items["box_iou"]]
    assert 100 * np.mean(right) == pytest.approx(result.metrics["box_accuracy"])


@pytest.mark.parametrize("maps", ["itm", "itc"])
def test_batches_do_not_matter_and_maps_do(maps):
    who = subject()
    ground = Ground(maps=maps, layer=0)
    one, many = (ground.evaluate(replace(who, batch_size=size)) for size in (1, 24))
    assert one.items["energy"] == pytest.approx(many.items["energy"], rel=1e-4)
    other = Ground(maps=maps, layer=1).evaluate(who)
    assert other.items["energy"] != pytest.approx(many.items["energy"], rel=1e-2)


def test_without_boxes_to_choose_from_pointing_counts():
    result = Ground().evaluate(subject(boxes=None), "val")
    assert result.split == "val"
    assert result.score == result.metrics["pointing"]
    assert "box_accuracy" not in result.metrics


def test_the_middle_layer_is_the_default():
    who = subject()
    assert Ground().evaluate(who).items == Ground(layer=1).evaluate(who).items


def test_a_sweep_takes_the_layer_that_is_best_on_val():
    who = subject()
    single = {
        name: [Ground(layer=layer).evaluate(who, name) for layer in range(3)]
        for name in ("val", "test")
    }
    result = Ground(layer="sweep").evaluate(who)
    scores = [each.score for each in single["val"]]
    best = scores.index(max(scores))
    assert result.metrics["layer"] == best
    alone = single["test"][best].items
    assert result.items.keys() == alone.keys()
    for name, values in result.items.items():  # layers that are watched add up in another order
        assert values == (pytest.approx(alone[name], rel=1e-5) if name == "energy" else alone[name])
    for layer, alone in enumerate(single["test"]):
        for name in ("pointing", "box_accuracy"):
            assert result.metrics[f"{name}_layer_{layer}"] == pytest.approx(alone.metrics[name])
            assert result.chance[f"{name}_layer_{layer}"] == alone.chance[name]


def test_real_words_are_silent_in_the_last_layer():
    who = subject()
    assert Ground(layer=2, words="real").evaluate(who).metrics["energy"] == 0.0
    assert Ground(layer=2).evaluate(who).metrics["energy"] > 0.0
    real, every = (Ground(layer=1, words=words) for words in ("real", "every-position"))
    assert real.evaluate(who).items["energy"] != every.evaluate(who).items["energy"]


def test_parts_have_figures_of_their_own():
    who = subject()
    plain = Ground().evaluate(who).metrics
    assert not [name for name in plain if name.endswith(("testA", "testB"))]
    named = subject(part="testA")
    assert set(Ground().evaluate(named).metrics) == set(plain)

    class Parts(Photographs):
        def item(self, index, rng):
            item = super().item(index, rng)
            item.fields["part"] = "testA" if index % 2 else "testB"
            return item

    named.dataset.split = lambda name: Parts(24, 1, {})
    result = Ground().evaluate(named)
    for part, first in (("testA", 1), ("testB", 0)):
        wanted = 100 * np.mean(result.items["pointing"][first::2])
        assert result.metrics[f"pointing_{part}"] == pytest.approx(wanted)
        chance = np.mean(box_shares(24)[first::2])
        assert result.chance[f"pointing_{part}"] == pytest.approx(chance)


@pytest.mark.parametrize("layer", [0, "sweep"])
def test_samples_are_images_and_their_means_the_metrics(monkeypatch, layer):
    item = Photographs.item

    def shared(self, index, rng):
        found = item(self, index, rng)
        found.fields["part"] = "testA" if index % 3 else "testB"
        return replace(found, image_id=max(index, 4))

    monkeypatch.setattr(Photographs, "item", shared)
    result = Ground(layer=layer).evaluate(subject())
    assert result.sampled == [f"image {number}" for number in range(4, 24)]
    parts = {f"{name}_test{part}" for name in ("pointing", "box_accuracy") for part in "AB"}
    assert set(result.samples) == {"pointing", "energy", "map_iou", "box_accuracy", *parts}
    for name, figures in result.samples.items():
        assert np.mean(figures) == pytest.approx(result.metrics[name], abs=1e-12)
    first = sum(result.items["energy"][:5]) * 100 * 20 / 24
    assert result.samples["energy"][0] == pytest.approx(first)


def test_a_limit_takes_the_first_items():
    who = subject()
    result = Ground(limit=10).evaluate(who)
    assert result.items["energy"] == pytest.approx(Ground().evaluate(who).items["energy"][:10])


def test_nothing_is_learnt():
    who = subject()
    before = {name: value.clone() for name, value in who.network.state_dict().items()}
    for maps in ("itm", "itc"):
        Ground(maps=maps).evaluate(who)
    assert all(parameter.grad is None for parameter in who.network.parameters())
    after = who.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_network_in_half_precision_is_examined():
    who = subject()
    half = replace(who, autocast=lambda: torch.autocast("cpu", torch.bfloat16))
    for maps in ("itm", "itc"):
        exact, rough = (Ground(maps=maps).evaluate(each).items["energy"] for each in (who, half))
        assert np.corrcoef(exact, rough)[0, 1] > 0.9


def test_what_cannot_be_grounded_is_said():
    who = subject()
    with pytest.raises(ComponentError, match="layer is 3, and the layers with itm maps are 0 to 2"):
        Ground(layer=3).evaluate(who)
    with pytest.raises(ComponentError, match="head 'match'"):
        Ground(head="match").evaluate(who)
    with pytest.raises(ComponentError, match="shared space"):
        Ground(maps="itc").evaluate(replace(who, space=NoSpace()))
    who.dataset.images = 2
    with pytest.raises(ComponentError, match="one image each"):
        Ground().evaluate(who)
    with pytest.raises(DataError, match="'box'"):
        Ground().evaluate(subject(box=None))
    who = subject()
    who.network.fusion = None
    with pytest.raises(ComponentError, match=r"model\.fusion"):
        Ground().evaluate(who)
    Ground(maps="itc").evaluate(who)
