"""What datasets of JSON files in a folder have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from albefkit.data.base import Dataset, Split, SplitName
from albefkit.data.files import Files, SplitFiles
from albefkit.data.images import ImageReader


class FileDataset(Dataset):
    """Entries of JSON files about images below a folder.

    Args:
        root: folder that image paths and file names start from.
        train: file or files; null looks in root for train.json, then for the released name, as in
            vqa_train.json, then for the only other *_train.json.
        val: likewise.
        test: likewise.
        short_side: larger images are shrunk on reading until their shorter side has this many
            pixels.
        keep_megabytes: memory that decoded training images may fill, shared among the workers of a
            process.
    """

    what: ClassVar[str]
    """What the files hold, for messages."""

    prefixes: ClassVar[Sequence[str]]
    """What the names of released files begin with: `ve` in `ve_train.json`."""

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
        self._files = SplitFiles(root, given, self.prefixes, self.what)
        self._short_side, self._keep_bytes = short_side, keep_megabytes << 20
        self._read: dict[SplitName, Split] = {}

    @property
    def root(self) -> Path:
        """The folder."""
        return self._files.root

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits there are files for."""
        return self._files.splits

    def split(self, name: SplitName) -> Split:
        """One split, its files read.

        Raises:
            DataError: no file, or a file that is not as it should be.
        """
        if name not in self._read:
            keep_bytes = self._keep_bytes if name == "train" else 0
            reader = ImageReader(self.root, self._short_side, keep_bytes)
            self._read[name] = self.read(name, self._files.of(name), reader)
        return self._read[name]

    @abstractmethod
    def read(self, name: SplitName, files: Sequence[Path], reader: ImageReader) -> Split:
        """A split from its files.

        Raises:
            DataError: a file is not as it should be.
        """
