"""Photographs with captions, in the JSON format of the released code (spec 14)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeGuard

import numpy as np
from pydantic import Field

from albefkit.data.annotations import CaptionRow, read_captions
from albefkit.data.base import SPLITS, Dataset, Gallery, Item, Split, SplitName
from albefkit.data.images import ImageReader
from albefkit.registry.errors import DataError, Problem
from albefkit.seeding import stream

_WORDS: dict[SplitName, tuple[str, ...]] = {
    "train": ("train",),
    "val": ("val", "validation", "dev"),
    "test": ("test",),
}
_CONVENTIONS = ("{}.json", "caption_{}.json", "captions_{}.json", "retrieval_{}.json")
_SHOWN_PROBLEMS = 20

Files = str | list[str] | None


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
        self._root = Path(root).expanduser()
        self._given: dict[SplitName, Files] = {"train": train, "val": val, "test": test}
        self._short_side, self._keep_bytes = short_side, keep_megabytes << 20
        self._read: dict[SplitName, CaptionsSplit] = {}

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits there are files for."""
        return tuple(name for name in SPLITS if self._given[name] or self._candidates(name))

    def split(self, name: SplitName) -> CaptionsSplit:
        """One split, its files read.

        Raises:
            DataError: no file, or a file that is not as it should be.
        """
        if name not in self._read:
            rows = [row for path in self._files(name) for row in _checked_rows(path)]
            keep_bytes = self._keep_bytes if name == "train" else 0
            reader = ImageReader(self._root, self._short_side, keep_bytes)
            self._read[name] = CaptionsSplit(rows, reader)
        return self._read[name]

    def _files(self, name: SplitName) -> list[Path]:
        given = self._given[name]
        if given:
            return [self._root / file for file in ([given] if isinstance(given, str) else given)]
        if not self._root.is_dir():
            raise DataError(
                Problem("", "data.root", f"there is no folder {self._root.absolute()}.")
            )
        found = self._candidates(name)
        if len(found) == 1:
            return found
        where = self._root.absolute()
        message = f"there is no caption file for '{name}' in {where}."
        if found:
            several = ", ".join(path.name for path in found)
            message = f"{where} has several files that could be '{name}': {several}."
        raise DataError(
            Problem("", f"data.{name}", message, f"Name it: data.{name}: FILE, or a list of files.")
        )

    def _candidates(self, name: SplitName) -> list[Path]:
        """The one conventional file, or whatever else could be meant."""
        for word in _WORDS[name]:
            for convention in _CONVENTIONS:
                if (path := self._root / convention.format(word)).is_file():
                    return [path]
        return sorted(path for word in _WORDS[name] for path in self._root.glob(f"*_{word}.json"))


def _checked_rows(path: Path) -> list[CaptionRow]:
    rows, problems = read_captions(path)
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        shown = problems[:_SHOWN_PROBLEMS]
        if more > 0:
            shown.append(Problem("", "", f"and {more} more; see `albefkit data check {path}`"))
        raise DataError(shown)
    if not rows:
        raise DataError(Problem(str(path), "", "the file has no entries."))
    return rows


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
        self.fingerprint = _fingerprint(rows)

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


def _fingerprint(rows: Sequence[CaptionRow]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for row in rows:
        digest.update(json.dumps([row.image, row.captions, row.image_id]).encode())
    return digest.hexdigest()
