"""Photographs with captions, in the JSON format of the released code (spec 14)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeGuard

import numpy as np
from pydantic import Field

from albefkit.data.annotations import WHAT, CaptionRow, read_captions
from albefkit.data.base import Dataset, Gallery, Item, Split, SplitName
from albefkit.data.entries import fingerprint, require
from albefkit.data.files import Files, SplitFiles
from albefkit.data.images import ImageReader
from albefkit.seeding import stream

_PREFIXES = ("caption", "captions", "retrieval")


class Captions(Dataset):
    """Images and captions from JSON files in the released format.

    Args:
        root: folder that image paths and file names start from.
        train: caption file or files; null looks in root for train.json, caption_train.json,
            captions_train.json, retrieval_train.json or the only other *_train.json.
        val: likewise.
        test: likewise.
        short_side: larger images are shrunk on reading until their shorter side has this many
            pixels.
        keep_megabytes: memory that decoded training images may fill, shared among the workers of a
            process.
    """

    def __init__(
        self,
        *,
        root: str = ".",
        train: Files = None,
        val: Files = None,
        test: Files = None,
        short_side: Annotated[int, Field(ge=16)] = 512,
        keep_megabytes: Annotated[int, Field(ge=0)] = 512,
    ) -> None:
        given: dict[SplitName, Files] = {"train": train, "val": val, "test": test}
        self._files = SplitFiles(root, given, _PREFIXES, WHAT)
        self._short_side, self._keep_bytes = short_side, keep_megabytes << 20
        self._read: dict[SplitName, CaptionsSplit] = {}

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits there are files for."""
        return self._files.splits

    def split(self, name: SplitName) -> CaptionsSplit:
        """One split, its files read.

        Raises:
            DataError: no file, or a file that is not as it should be.
        """
        if name not in self._read:
            rows = [row for path in self._files.of(name) for row in _checked_rows(path)]
            keep_bytes = self._keep_bytes if name == "train" else 0
            reader = ImageReader(self._files.root, self._short_side, keep_bytes)
            self._read[name] = CaptionsSplit(rows, reader)
        return self._read[name]


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
