"""What a dataset is: named splits of items, and galleries to retrieve from.

Images are `(H, W, 3)` uint8 RGB arrays, texts are plain strings; what is done to both before a
network sees them (crops, cleaning, tokens) is the business of `transforms` and `loader`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from albefkit.data.text import pre_caption
from albefkit.registry import Registrable
from albefkit.registry.errors import ComponentError, DataError

SplitName = Literal["train", "val", "test"]

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


class Unreadable(DataError):  # noqa: N818 - an unreadable image is what the field calls it
    """One image cannot be read; training skips it and counts, up to a limit.

    Args:
        path: the file, or whatever else names the image.
        reason: what is wrong with it.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = str(path), reason


class WeightedAnswers(NamedTuple):
    """The answers to one question.

    Args:
        texts: as found, not cleaned; no two alike.
        weights: what each counts in training, more than 0.
        given: every annotator's answer, for scoring.
    """

    texts: tuple[str, ...]
    weights: tuple[float, ...]
    given: tuple[str, ...]

    @classmethod
    def counted(cls, given: Sequence[str]) -> WeightedAnswers:
        """Distinct answers in order of appearance, each with its share of the annotators."""
        counts = Counter(given)
        weights = tuple(count / len(given) for count in counts.values())
        return cls(tuple(counts), weights, tuple(given))


@dataclass(frozen=True, slots=True)
class Item:
    """One text with its image, or with several.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        text: as found, not cleaned.
        image_id: items with equal ids show the same image.
        fields: everything else. Numbers, strings, arrays of one shape and `WeightedAnswers` travel
            on into the batch; what speaks of places in the picture (objects with boxes) stays here,
            as crops move it.
        others: further images that the text speaks of, in order.
    """

    image: np.ndarray
    text: str
    image_id: int
    fields: dict[str, Any] = field(default_factory=dict)
    others: tuple[np.ndarray, ...] = ()

    @property
    def images(self) -> tuple[np.ndarray, ...]:
        """All images, in order."""
        return (self.image, *self.others)


def _nothing(index: int) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Gallery:
    """Images and texts to be retrieved by each other.

    Args:
        size: number of images.
        image: gives image i as `(H, W, 3)` uint8 RGB; raises `Unreadable`.
        texts: all texts, as found.
        owner: the image each text belongs to, `0 .. size - 1`.
        names: what to call the images in a report.
        fields: what else there is of image i, as in an item's `fields`.
    """

    size: int
    image: Callable[[int], np.ndarray]
    texts: Sequence[str]
    owner: Sequence[int]
    names: Sequence[str]
    fields: Callable[[int], Mapping[str, Any]] = _nothing

    def __len__(self) -> int:
        return self.size


class Split(ABC):
    """One part of a dataset. Splits travel to worker processes, so they can be pickled.

    Args:
        fingerprint: equal for equal data, different when images, texts or their order change.
    """

    fingerprint: str

    lexicon: ClassVar[str] = ""
    """Words that a tokenizer should know besides, because later tasks on such data use them."""

    @abstractmethod
    def __len__(self) -> int:
        """How many items there are."""

    @abstractmethod
    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Item `index`; whatever is left to chance (which of five captions) is drawn from `rng`.

        Raises:
            Unreadable: the image cannot be read.
        """

    @abstractmethod
    def captions(self) -> Iterable[str]:
        """Every text, to train a tokenizer on; in the order of items where each has one."""

    def item_texts(self) -> Iterable[str]:
        """The text of every item, in order, as found: what tells how long it will be at most.

        The captions, unless a dataset says otherwise.

        Raises:
            ComponentError: there are not as many captions as items.
        """
        texts = list(self.captions())
        if len(texts) != len(self):
            told = f"{type(self).__name__} has {len(texts)} captions for {len(self)} items"
            raise ComponentError(f"{told} and no item_texts")
        return texts

    def gallery(self) -> Gallery:
        """Every image once, with all its texts.

        Raises:
            ComponentError: this dataset is for something else than retrieval.
        """
        raise ComponentError(f"retrieval: {type(self).__name__} has no images with texts to find")

    def clean(self, text: str, max_words: int) -> str:
        """A text as it is read: here a caption's, of at most so many words (spec 11)."""
        return pre_caption(text, max_words)

    def holds(self, index: int, text: str) -> bool | None:
        """Whether a text is true of the picture of item `index`; None where nobody knows."""
        return None

    def prepare(self) -> None:  # noqa: B027 - a split that needs no preparation says nothing
        """Make ready what is costly, once, before workers start; nothing by default."""


class Dataset(ABC, Registrable, kind="dataset"):
    """Where items come from; nothing is read or drawn before a split is asked for."""

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits this dataset has; all three unless a component says otherwise."""
        return SPLITS

    @property
    def classes(self) -> tuple[str, ...]:
        """What the number in an item's field `label` stands for, or what may be answered; empty
        where items have neither.
        """
        return ()

    @property
    def crop_scale(self) -> tuple[float, float]:
        """Smallest and largest share of a picture's area that a crop keeps where a recipe leaves it
        to the data (`augment.crop_scale: auto`): such a crop is to leave the text true.
        """
        return (0.7, 1.0)

    @property
    def images_per_text(self) -> int:
        """How many images each text speaks of, at least 1."""
        return 1

    @abstractmethod
    def split(self, name: SplitName) -> Split:
        """One part of the dataset.

        Raises:
            DataError: there is no such part, or it cannot be read.
        """
