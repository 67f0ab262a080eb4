"""The contract of datasets."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from albefkit.data.base import SPLITS, Dataset, Item, Split, WeightedAnswers
from albefkit.registry.errors import ComponentError
from albefkit.seeding import numpy_rng
from albefkit.testing.contract import DoesNotApply, Seen, contract, expect
from albefkit.testing.trial import Trial
from albefkit.testing.watching import GENERATORS, changed, random_state

READ = "albefkit.data.base:Dataset"
FEW = 6
"""Items of a split that are looked at."""


@dataclass(frozen=True)
class DatasetTrial(Trial):
    """A dataset on trial."""

    place = "data"
    company = {"objectives": {"itc": {}}}  # noqa: RUF012

    def make(self) -> Dataset:
        """The dataset, nothing of it read."""
        return self.build()

    def splits(self) -> dict[str, Split]:
        """All of its splits, made ready."""
        dataset = self.make()
        found = {name: dataset.split(name) for name in dataset.splits}
        for split in found.values():
            split.prepare()
        return found

    def exercise(self) -> None:
        """Look at an item."""
        dataset = self.make()
        item_of(dataset.split(dataset.splits[0]), 0)


def item_of(split: Split, index: int, epoch: int = 0) -> Item:
    """An item as the loader asks for it."""
    return split.item(index, numpy_rng(1, "item", epoch, index))


def few(split: Split) -> range:
    """The first items."""
    return range(min(FEW, len(split)))


@contract(READ)
def items_are_as_declared(trial: DatasetTrial) -> None:
    """Splits have items: images (H, W, 3) uint8, as many as images_per_text says, a text, an int64
    image_id, and a label that is one of the classes.
    """
    dataset = trial.make()
    expect(bool(dataset.splits) and set(dataset.splits) <= set(SPLITS), f"splits: {dataset.splits}")
    for name, split in trial.splits().items():
        expect(len(split) > 0, f"split '{name}' is empty")
        for index in few(split):
            item, where = item_of(split, index), f"item {index} of '{name}'"
            expect(isinstance(item, Item), f"{where} is a {type(item).__name__}")
            shown = len(item.images)
            expect(
                shown == dataset.images_per_text,
                f"{where} has {shown} images, and images_per_text is {dataset.images_per_text}",
            )
            for image in item.images:
                right = image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
                expect(right, f"an image of {where} is {image.shape} {image.dtype}")
            expect(
                isinstance(item.text, str) and bool(item.text.strip()),
                f"{where} says {item.text!r}",
            )
            right = isinstance(item.image_id, int) and -(2**63) <= item.image_id < 2**63
            expect(right, f"image_id of {where} is {item.image_id!r}")
            _expect_label(item.fields.get("label"), dataset.classes, where)


@contract(READ)
def items_make_a_batch(trial: DatasetTrial) -> None:
    """Items of a split have the same fields of the same types and shapes, so that a batch can be
    made of them.
    """
    for name, split in trial.splits().items():
        found = [_travelling(item_of(split, index)) for index in few(split)]
        for index, each in enumerate(found):
            expect(each == found[0], f"item {index} of '{name}' has {each}, and item 0 {found[0]}")
    batch = trial.batch
    rows = len(batch)
    expect(rows > 0 and len(batch.text.ids) == rows, f"a batch has {rows} rows")


@contract(READ)
def items_depend_on_index_and_generator_alone(trial: DatasetTrial) -> None:
    """An item is a function of its index and of the generator that is given, whatever was asked
    before and whoever asks: as many workers as one likes make the same batches.
    """
    splits, others = trial.splits(), trial.splits()
    for name, split in splits.items():
        forwards = [item_of(split, index) for index in few(split)]
        backwards = [item_of(others[name], index) for index in reversed(few(split))][::-1]
        again = [item_of(split, index) for index in few(split)]
        for index, one in enumerate(forwards):
            _expect_equal(
                one, backwards[index], f"item {index} of '{name}', asked in another order,"
            )
            _expect_equal(one, again[index], f"item {index} of '{name}', asked again,")


@contract(READ)
def draws_from_the_generator_given(trial: DatasetTrial) -> None:
    """Global generators neither move nor matter: workers begin with equal ones."""
    splits = trial.splits()
    for name, split in splits.items():
        found = []
        for seed in (1, 2):
            with random_state(seed):
                moved = changed(
                    GENERATORS, lambda split=split: [item_of(split, i) for i in few(split)]
                )
                expect(not moved, f"items of '{name}' move {' and '.join(moved)}")
                found.append([item_of(split, index) for index in few(split)])
        for index, (one, other) in enumerate(zip(*found, strict=True)):
            _expect_equal(one, other, f"item {index} of '{name}', with another global seed,")


@contract(READ)
def splits_and_items_travel(trial: DatasetTrial) -> None:
    """Splits and items can be pickled: they go to worker processes and come back."""
    for name, split in trial.splits().items():
        there = _travelled(split, f"split '{name}'")
        for index in few(split):
            item = item_of(split, index)
            _expect_equal(item, _travelled(item, f"item {index} of '{name}'"), "an item, pickled,")
            _expect_equal(item, item_of(there, index), f"item {index} of the pickled '{name}'")


@contract(READ)
def fingerprints_tell_data_apart(trial: DatasetTrial) -> None:
    """A split's fingerprint is a text that equal data share and other splits do not."""
    one, other = trial.splits(), trial.splits()
    seen: dict[str, str] = {}
    for name, split in one.items():
        print_ = split.fingerprint
        expect(isinstance(print_, str) and bool(print_), f"that of '{name}' is {print_!r}")
        again = other[name].fingerprint
        expect(print_ == again, f"that of '{name}' is {print_} and, built again, {again}")
        expect(print_ not in seen, f"'{name}' and '{seen.get(print_)}' share {print_}")
        seen[print_] = name


@contract(READ)
def captions_can_be_read_again(trial: DatasetTrial) -> None:
    """A split gives its texts, every time the same; cleaned they are short enough and not changed
    by being cleaned again.
    """
    for name, split in trial.splits().items():
        first, second = (list(itertools.islice(split.captions(), 50)) for _ in range(2))
        expect(bool(first), f"'{name}' has no captions")
        expect(all(isinstance(each, str) for each in first), f"captions of '{name}' are not texts")
        expect(first == second, f"captions of '{name}' are others the second time")
        for text in first[:FEW]:
            clean = split.clean(text, 5)
            expect(len(clean.split()) <= 5, f"of 5 words at most, {clean!r}")
            expect(
                split.clean(clean, 5) == clean, f"{clean!r}, cleaned, is {split.clean(clean, 5)!r}"
            )


@contract(READ)
def gallery_has_texts_for_its_images(trial: DatasetTrial) -> None:
    """Where a split has a gallery, each text belongs to one of its images, and each image has a
    name.
    """
    asked = 0
    for name, split in trial.splits().items():
        try:
            gallery = split.gallery()
        except ComponentError:
            continue
        asked += 1
        images, texts = len(gallery), len(gallery.texts)
        expect(
            len(gallery.owner) == texts, f"'{name}': {len(gallery.owner)} owners of {texts} texts"
        )
        strangers = [each for each in gallery.owner if not 0 <= each < images]
        expect(not strangers, f"'{name}': texts belong to images {strangers[:4]} of {images}")
        expect(len(gallery.names) == images, f"'{name}': {len(gallery.names)} names of {images}")
        image = gallery.image(0)
        right = image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        expect(right, f"an image of '{name}' is {image.shape} {image.dtype}")
        expect(isinstance(gallery.fields(0), Mapping), f"'{name}' has no fields")
    if not asked:
        raise DoesNotApply("this dataset is for something else than retrieval")


CONTRACTS = (
    items_are_as_declared,
    items_make_a_batch,
    items_depend_on_index_and_generator_alone,
    draws_from_the_generator_given,
    splits_and_items_travel,
    fingerprints_tell_data_apart,
    captions_can_be_read_again,
    gallery_has_texts_for_its_images,
)


def _expect_label(label: Any, classes: tuple[str, ...], where: str) -> None:
    if not isinstance(label, int) or not classes:
        return
    inside = label == -100 or 0 <= label < len(classes)
    expect(inside, f"the label of {where} is {label}, and there are {len(classes)} classes")


def _travelling(item: Item) -> dict[str, str]:
    """The fields that go into a batch, with what they are."""
    kinds: dict[str, str] = {}
    for name, value in item.fields.items():
        if isinstance(value, np.ndarray):
            kinds[name] = f"{value.shape} {value.dtype}"
        elif isinstance(value, bool | int | float | str | WeightedAnswers):
            kinds[name] = type(value).__name__
    return kinds


def _travelled(thing: Any, what: str) -> Any:
    try:
        return pickle.loads(pickle.dumps(thing))
    except Exception as error:
        raise Seen(f"{what} cannot be pickled: {type(error).__name__}: {error}") from error


def _expect_equal(one: Item, other: Item, what: str) -> None:
    expect(one.text == other.text, f"{what} says {other.text!r} instead of {one.text!r}")
    expect(
        one.image_id == other.image_id, f"{what} shows image {other.image_id}, not {one.image_id}"
    )
    for first, second in zip(one.images, other.images, strict=True):
        expect(np.array_equal(first, second), f"{what} shows other pixels")
    for name, value in one.fields.items():
        found = other.fields.get(name)
        same = np.array_equal(value, found) if isinstance(value, np.ndarray) else value == found  # type: ignore[arg-type]
        expect(bool(same), f"{what} has another '{name}'")
