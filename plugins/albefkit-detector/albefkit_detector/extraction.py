"""Looking at every picture of a split once, and keeping what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from albefkit.data.base import Split, Unreadable
from albefkit.registry.errors import ComponentError, DataError
from albefkit.seeding import numpy_rng

from albefkit_detector.region_file import UNREADABLE, RegionTable
from albefkit_detector.regions import Detector, Found
from albefkit_detector.training import Progress


def extract(split: Split, detector: Detector, file: Path, progress: Progress, what: str) -> int:
    """Write the regions of a split's items and of its gallery.

    Pictures are told apart by their pixels: one that many captions speak of is looked at once.
    Everything is held in memory until it is written.

    Args:
        split: whose pictures.
        detector: who looks.
        file: where to; it appears whole.
        progress: is told how far it is.
        what: the split, for `progress`.

    Returns:
        How many pictures could not be read; training skips their items too.

    Raises:
        DataError: none could be read.
    """
    split.prepare()
    seen = _Seen(detector)
    rng = numpy_rng("regions")  # of a text among several, say; pictures depend on no chance
    items = seen.places(
        (lambda index=index: split.item(index, rng).image for index in range(len(split))),
        lambda done: progress(f"looking at the pictures of {what}", done, len(split)),
    )
    try:
        gallery = split.gallery()
        images = (lambda index=index: gallery.image(index) for index in range(len(gallery)))
        shown = seen.places(images, lambda done: None)
    except ComponentError:
        shown = []
    table = seen.table(items, shown)
    table.write(file, split=split.fingerprint, detector=detector.name, names=detector.classes)
    return items.count(UNREADABLE)


class _Seen:
    """The pictures looked at so far, by their pixels.

    Args:
        detector: who looks.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._places: dict[bytes, int] = {}
        self._waiting: list[np.ndarray] = []
        self._rows: list[tuple[np.ndarray, ...]] = []

    def places(
        self, pictures: Iterable[Callable[[], np.ndarray]], tell: Callable[[int], None]
    ) -> list[int]:
        """The row of each picture in the table."""
        found = []
        for read in pictures:
            found.append(self._place(read))
            if len(self._waiting) == self._detector.batch_size:
                self._look()
                tell(len(found))
        self._look()
        tell(len(found))
        return found

    def table(self, items: list[int], gallery: list[int]) -> RegionTable:
        """Everything that was seen.

        Raises:
            DataError: it is nothing.
        """
        if not self._rows:
            raise DataError("none of these pictures can be read: there are no regions")
        features, boxes, classes, mask = (np.stack(rows) for rows in zip(*self._rows, strict=True))
        places = (np.array(each, np.int64) for each in (items, gallery))
        return RegionTable(features, boxes, classes, mask, *places)

    def _place(self, read: Callable[[], np.ndarray]) -> int:
        try:
            picture = read()
        except Unreadable:
            return UNREADABLE
        pixels = hashlib.blake2b(repr(picture.shape).encode(), digest_size=16)
        pixels.update(picture.tobytes())
        place = self._places.setdefault(pixels.digest(), len(self._places))
        if place == len(self._rows) + len(self._waiting):
            self._waiting.append(picture)
        return place

    def _look(self) -> None:
        if self._waiting:
            most = self._detector.keep.most
            self._rows += [padded(each, most) for each in self._detector.look(self._waiting)]
            self._waiting = []


def padded(found: Found, most: int) -> tuple[np.ndarray, ...]:
    """Features, boxes, classes and which are real, `most` rows of each; features and classes as
    float16.
    """

    def rows(values: np.ndarray) -> np.ndarray:
        table = np.zeros((most, values.shape[1]), values.dtype)
        table[: len(values)] = values
        return table

    features, boxes, classes = (
        each.cpu().numpy() for each in (found.features, found.boxes, found.classes)
    )
    real = np.arange(most) < len(boxes)
    return rows(features.astype(np.float16)), rows(boxes), rows(classes.astype(np.float16)), real
