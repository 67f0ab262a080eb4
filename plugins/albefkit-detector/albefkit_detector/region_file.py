"""The regions of a split's pictures in one file: written whole, read picture by picture.

Shapes: P different pictures, N regions of each with padding, F numbers of a region, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from albefkit.registry.errors import DataError, Problem
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from albefkit_detector.files import written_whole

FORMAT = "albefkit-detector regions 1"

UNREADABLE = -1
"""Stands where an item's picture cannot be read."""


@dataclass(frozen=True)
class RegionTable:
    """Regions of pictures, and whose pictures these are.

    Args:
        features: `(P, N, F)` float16.
        boxes: `(P, N, 4)` float32: left, top, right, bottom, as shares of the picture's sides.
        classes: `(P, N, C)` float16, rows that sum to 1.
        mask: `(P, N)` bool, true where a region is real.
        items: `(n,)` int64, the picture of each item of the split, or `UNREADABLE`.
        gallery: `(I,)` int64, the picture of each image of its gallery; empty where it has none.
    """

    features: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    mask: np.ndarray
    items: np.ndarray
    gallery: np.ndarray

    def write(self, file: Path, *, split: str, detector: str, names: Sequence[str]) -> None:
        """Write a file that appears whole.

        Args:
            file: where to.
            split: fingerprint of the split.
            detector: whose regions they are.
            names: of the classes.
        """
        about = {"format": FORMAT, "split": split, "detector": detector, "names": "\n".join(names)}
        with written_whole(file) as beside:
            save_file(vars(self), beside, about)


class RegionFile:
    """What `RegionTable.write` wrote. It travels to worker processes, which open it anew.

    Args:
        file: the file.

    Raises:
        DataError: there is no such file, or it holds something else.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.about: dict[str, str] = self._opened.metadata() or {}
        if self.about.get("format") != FORMAT:
            raise DataError(Problem("", str(file), "holds no regions that extract wrote"))
        self._items = self._opened.get_tensor("items")
        self._gallery = self._opened.get_tensor("gallery")

    def __getstate__(self) -> dict[str, Any]:
        opened = ("_opened", "_slices")
        return {name: value for name, value in vars(self).items() if name not in opened}

    def require(self, split: str, detector: str | None = None) -> None:
        """Refuse the regions of other pictures.

        Args:
            split: fingerprint of the split that they should be of.
            detector: who should have found them; None: anybody.

        Raises:
            DataError: the file is of another split, or by another detector.
        """
        message = None
        if self.about["split"] != split:
            message = "holds the regions of other data than these, or of these before they changed"
        elif detector not in (None, self.about["detector"]):
            message = f"holds what {self.about['detector']} found, not {detector}"
        if message is not None:
            hint = "Extract them into another folder."
            raise DataError(Problem("", str(self._file), message, hint))

    def of_item(self, index: int) -> dict[str, np.ndarray]:
        """Fields of an item: see `of_picture`."""
        return self._of_picture(int(self._items[index]))

    def of_gallery(self, index: int) -> dict[str, np.ndarray]:
        """Fields of an image of the gallery: see `of_picture`."""
        return self._of_picture(int(self._gallery[index]))

    def _of_picture(self, picture: int) -> dict[str, np.ndarray]:
        """`regions (N, F)`, `region_boxes (N, 4)`, `region_classes (N, C)` float32 and
        `region_mask (N,)` bool.
        """
        slices = self._slices
        return {
            "regions": slices["features"][picture].astype(np.float32),
            "region_boxes": slices["boxes"][picture],
            "region_classes": slices["classes"][picture].astype(np.float32),
            "region_mask": slices["mask"][picture],
        }

    @cached_property
    def _opened(self) -> Any:
        try:
            return safe_open(self._file, "np")
        except (OSError, SafetensorError) as error:
            message = f"these regions cannot be read: {str(error).splitlines()[0]}"
            raise DataError(Problem("", str(self._file), message)) from error

    @cached_property
    def _slices(self) -> dict[str, Any]:
        names = ("features", "boxes", "classes", "mask")
        return {name: self._opened.get_slice(name) for name in names}
