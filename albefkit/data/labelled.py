"""JSON files of sentences about one or several images, each with a label."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from albefkit.data.base import Item, Split, SplitName
from albefkit.data.entries import fingerprint, read_rows
from albefkit.data.file_dataset import FileDataset
from albefkit.data.images import ImageReader
from albefkit.seeding import stream


class LabelledRow(NamedTuple):
    """One entry of a file.

    Args:
        images: paths, in order.
        text: the sentence.
        label: number of its class.
    """

    images: tuple[str, ...]
    text: str
    label: int


class LabelledDataset(FileDataset):
    """Sentences about images with a label each, from JSON files."""

    form: ClassVar[str]
    """How an entry looks, for messages."""

    def read(self, name: SplitName, files: Sequence[Path], reader: ImageReader) -> LabelledSplit:
        """A split from its files.

        Raises:
            DataError: a file is not as it should be.
        """
        return LabelledSplit(read_rows(files, self.row, self.what, self.form), reader)

    @abstractmethod
    def row(self, index: int, entry: Mapping[str, Any]) -> LabelledRow:
        """The row of an entry.

        Raises:
            WrongEntryError: the entry is not as it should be.
        """


class LabelledSplit(Split):
    """Rows of such files; an item's field `label` is the number of its class.

    Args:
        rows: of all files.
        reader: reads their images.
    """

    def __init__(self, rows: Sequence[LabelledRow], reader: ImageReader) -> None:
        self._rows, self._reader = rows, reader
        self.fingerprint = fingerprint(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Row `index`; nothing about it is left to chance.

        Raises:
            Unreadable: an image cannot be read.
        """
        row = self._rows[index]
        image, *others = (self._reader.read(name) for name in row.images)
        number = stream("image", row.images[0])
        return Item(image, row.text, number, {"label": row.label}, tuple(others))

    def captions(self) -> Iterator[str]:
        """Every sentence."""
        return (row.text for row in self._rows)
