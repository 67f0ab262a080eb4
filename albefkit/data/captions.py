"""Photographs with captions, in the JSON format of the released code (spec 14)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeGuard

import numpy as np

from albefkit.data.annotations import WHAT, CaptionRow, read_captions
from albefkit.data.base import Gallery, Item, Split, SplitName
from albefkit.data.entries import fingerprint, require
from albefkit.data.file_dataset import FileDataset
from albefkit.data.images import ImageReader
from albefkit.seeding import stream


class Captions(FileDataset):
    """Images and captions from JSON files in the released format."""

    what, prefixes = WHAT, ("caption", "captions", "retrieval")

    def read(self, name: SplitName, files: Sequence[Path], reader: ImageReader) -> CaptionsSplit:
        """A split from its files.

        Raises:
            DataError: a file is not as it should be.
        """
        return CaptionsSplit([row for path in files for row in _checked_rows(path)], reader)


def _checked_rows(path: Path) -> list[CaptionRow]:
    return require(path, *read_captions(path), f"; see `albefkit data check {path}`")


class CaptionsSplit(Split):
    """Rows of caption files; in training a row with several captions shows one of them.

    Args:
        rows: of all files.
        reader: reads their images.
    """

    def __init__(self, rows: Sequence[CaptionRow], reader: ImageReader) -> None:
        self._images = [row.image for row in rows]
        self._captions = [row.captions for row in rows]
        self._ids = [row.image if row.image_id is None else row.image_id for row in rows]
        self._reader = reader
        self.fingerprint = fingerprint([row.image, row.captions, row.image_id] for row in rows)

    def __len__(self) -> int:
        return len(self._images)

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Row `index` with one of its captions.

        Raises:
            Unreadable: the image cannot be read.
        """
        captions = self._captions[index]
        text = captions[0] if len(captions) == 1 else captions[int(rng.integers(len(captions)))]
        image_id = self._ids[index]
        number = image_id if _fits(image_id) else stream("image", image_id)
        return Item(self._reader.read(self._images[index]), text, number)

    def captions(self) -> Iterator[str]:
        """Every caption of every row."""
        return (text for captions in self._captions for text in captions)

    def item_texts(self) -> Iterator[str]:
        """The caption of every row, the longest of those of which one is drawn each time."""
        return (max(each, key=len) for each in self._captions)

    def gallery(self) -> Gallery:
        """Every image once, by its id, with the captions of all its rows."""
        places: dict[int | str, int] = {}
        names: list[str] = []
        texts: list[str] = []
        owner: list[int] = []
        for name, image_id, captions in zip(self._images, self._ids, self._captions, strict=True):
            place = places.setdefault(image_id, len(places))
            if place == len(names):
                names.append(name)
            texts.extend(captions)
            owner.extend([place] * len(captions))
        return Gallery(len(names), lambda i: self._reader.read(names[i]), texts, owner, names)


def _fits(image_id: int | str) -> TypeGuard[int]:
    return isinstance(image_id, int) and -(2**63) <= image_id < 2**63
