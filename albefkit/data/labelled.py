"""JSON files of sentences about one or several images, each with a label."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from albefkit.data.base import Dataset, Item, Split, SplitName
from albefkit.data.entries import fingerprint, read_rows
from albefkit.data.files import Files, SplitFiles
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


class LabelledDataset(Dataset):
    """Sentences about images with a label each, from JSON files.

    Args:
        root: folder that image paths and file names start from.
        train: file or files; null looks in root for train.json, then for the released name, then
            for the only *_train.json.
        val: likewise.
        test: likewise.
        short_side: larger images are shrunk on reading until their shorter side has this many
            pixels.
        keep_megabytes: memory that decoded training images may fill, shared among the workers of a
            process.
    """

    what: ClassVar[str]
    """What the files hold, for messages."""

    prefix: ClassVar[str]
    """What the names of released files begin with: `ve` in `ve_train.json`."""

    form: ClassVar[str]
    """How an entry looks, for messages."""

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
        self._files = SplitFiles(root, given, (self.prefix,), self.what)
        self._short_side, self._keep_bytes = short_side, keep_megabytes << 20
        self._read: dict[SplitName, LabelledSplit] = {}

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits there are files for."""
        return self._files.splits

    def split(self, name: SplitName) -> LabelledSplit:
        """One split, its files read.

        Raises:
            DataError: no file, or a file that is not as it should be.
        """
        if name not in self._read:
            rows = read_rows(self._files.of(name), self.row, self.what, self.form)
            keep_bytes = self._keep_bytes if name == "train" else 0
            reader = ImageReader(self._files.root, self._short_side, keep_bytes)
            self._read[name] = LabelledSplit(rows, reader)
        return self._read[name]

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
