"""Batches: the same for any number of workers, from any cursor, whatever cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from albefkit.data.base import Gallery, Item, Split, Unreadable
from albefkit.data.loader import TrainLoader, text_id
from albefkit.data.randaugment import RandAugment
from albefkit.data.sampler import Order
from albefkit.data.scenes.dataset import Scenes
from albefkit.data.transforms import TrainTransform
from albefkit.registry.errors import DataError
from albefkit.tensors import Batch
from tests.data.conftest import Letters, words

TRANSFORM = TrainTransform(16, (0.5,) * 3, (0.25,) * 3, randaugment=RandAugment())
PLAIN = TrainTransform(8, (0.0,) * 3, (1.0,) * 3, crop_scale=(1.0, 1.0), flip="never")


class Numbered(Split):
    """Item i says what it is; some cannot be read."""

    fingerprint = "numbered"

    def __init__(self, length: int, broken: Iterable[int] = ()) -> None:
        self._length, self._broken = length, frozenset(broken)

    def __len__(self) -> int:
        return self._length

    def item(self, index: int, rng: np.random.Generator) -> Item:
        if index in self._broken:
            raise Unreadable(f"{index}.jpg", "it is broken")
        image = np.full((8, 8, 3), index % 256, np.uint8)
        fields = {
            "number": index,
            "odd": index % 2 == 1,
            "kind": f"kind {index}",
            "place": np.full(4, index, np.float32),
            "objects": ("stays", "here"),
        }
        return Item(image, f"Item,  {index}!", index, fields)

    def captions(self) -> Iterable[str]:
        return (f"item {index}" for index in range(self._length))

    def gallery(self) -> Gallery:
        raise NotImplementedError


def loader(split: Split, seed: int = 7, batch_size: int = 4, **options) -> TrainLoader:
    order = Order(seed, len(split), batch_size)
    transform = options.pop("transform", PLAIN)
    options.setdefault("workers", 0)
    return TrainLoader(split, transform, Letters(), order, **options)


def assert_equal(first: Batch, second: Batch) -> None:
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.text.ids, second.text.ids)
    assert torch.equal(first.image_id, second.image_id)
    assert torch.equal(first.text_id, second.text_id)
    assert first.fields.keys() == second.fields.keys()


def test_what_a_batch_holds() -> None:
    (batch,) = loader(Numbered(20), max_tokens=6).batches(2, 3)
    index = batch.image_id
    assert batch.images.dtype == torch.float32 and batch.images.shape == (4, 3, 8, 8)
    torch.testing.assert_close(batch.images[:, 0, 0, 0], index / 255)
    assert words(batch.text) == [f"item {i}"[:6].rstrip() for i in index.tolist()]
    assert batch.text_id.tolist() == [text_id(f"item {i}") for i in index.tolist()]
    assert batch.fields["odd"].dtype == torch.bool
    assert torch.equal(batch.fields["number"], index)
    assert batch.fields["place"].shape == (4, 4)
    assert batch.fields["kind"] == [f"kind {i}" for i in index.tolist()]
    assert "objects" not in batch.fields


def test_texts_are_cut_to_words() -> None:
    (batch,) = loader(Numbered(20), max_words=1).batches(0, 1)
    assert words(batch.text) == ["item"] * 4
    assert len(set(batch.text_id.tolist())) == 1


def test_workers_make_the_same_batches_as_none() -> None:
    split = Scenes(size=16, train=40).split("train")
    alone = loader(split, transform=TRANSFORM).batches(3, 15)
    helped = loader(split, transform=TRANSFORM, workers=2).batches(3, 15)
    for first, second in zip(alone, helped, strict=True):
        assert_equal(first, second)


def test_any_cursor_can_be_started_from() -> None:
    split = Scenes(size=16, train=40).split("train")
    walked = list(loader(split, transform=TRANSFORM).batches(0, 14))
    jumped = list(loader(split, transform=TRANSFORM).batches(11, 14))
    assert len(jumped) == 3
    for first, second in zip(walked[11:], jumped, strict=True):
        assert_equal(first, second)


def test_every_epoch_shows_an_item_differently() -> None:
    split = Scenes(size=16, train=8).split("train")
    batches = loader(split, transform=TRANSFORM, batch_size=8).batches(0, 2)
    first, second = (batch.images[batch.image_id.argsort()] for batch in batches)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_items_are_replaced_and_counted(workers: int) -> None:
    broken = {3, 11}
    made = loader(Numbered(40, broken), max_broken=0.1, workers=workers)
    batches = list(made.batches(0, 30))
    seen = torch.cat([batch.image_id for batch in batches]).tolist()
    assert len(seen) == 120 and not broken & set(seen)
    assert made.skipped == 6  # both of them in each of three epochs
    sound = list(loader(Numbered(40)).batches(0, 30))
    untouched = [torch.equal(a.image_id, b.image_id) for a, b in zip(batches, sound, strict=True)]
    assert untouched.count(False) <= 6


def test_too_many_unreadable_items_end_in_an_error_that_names_them() -> None:
    made = loader(Numbered(40, range(20)), max_broken=0.1)
    with pytest.raises(DataError, match=r"of 40 training items cannot be read.*at most 4") as told:
        list(made.batches(0, 30))
    assert ".jpg: it is broken" in str(told.value)


@pytest.mark.parametrize("workers", [0, 1])
def test_nothing_readable_at_all_ends_in_the_same_error(workers: int) -> None:
    made = loader(Numbered(40, range(40)), workers=workers)
    with pytest.raises(DataError, match="cannot be read"):
        next(iter(made.batches()))


def test_a_single_broken_item_of_few_is_tolerated() -> None:
    made = loader(Numbered(12, {5}))
    assert len(list(made.batches(0, 6))) == 6


def test_equal_words_share_an_id() -> None:
    assert text_id("a dog") == text_id("a dog") != text_id("a cat")
    assert 0 <= text_id("a dog") < 2**63
