"""Texts that each refer to one thing in a photograph, and where it is (spec 7 and 14)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from albefkit.data.base import Item, Split, SplitName
from albefkit.data.entries import describe, fingerprint, read_rows, text_in, wrong
from albefkit.data.file_dataset import FileDataset
from albefkit.data.files import Files, read_json
from albefkit.data.images import ImageReader
from albefkit.registry.errors import DataError, Problem
from albefkit.seeding import stream

WHAT = "grounding"
FORM = (
    '{"image": path, "text": text, "bbox": [x, y, width, height], "width": pixels, '
    '"height": pixels, "image_id": number or text}'
)
DETECTIONS = ("dets.json", "dets_gt.json")
"""Where boxes to choose from are looked for in the root."""

_MOST = 1e9

Box = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""


class GroundingRow(NamedTuple):
    """One entry of a file.

    Args:
        image: path.
        text: what refers to something in it.
        box: where that is, in pixels of a picture of `size`; None where nobody says.
        size: width and height of the picture that boxes speak of; None where there is no box.
        image_id: of the picture, for boxes to choose from.
        ref_id: of the entry.
        part: of the split that figures are reported for apart: testA, testB.
    """

    image: str
    text: str
    box: Box | None
    size: tuple[float, float] | None
    image_id: str
    ref_id: str
    part: str


class Grounding(FileDataset):
    """Photographs with texts that refer to things in them, from JSON files.

    A JSON list of `{"image", "text", "bbox": [x, y, width, height], "width", "height"}`, boxes in
    pixels of a picture of that width and height; `image_id`, `ref_id` and `split` (testA, ...) may
    be there too. Training needs no boxes.

    Args:
        detections: a file with boxes to choose from, `{image_id: [[x, y, width, height, ...]]}`;
            null takes dets.json or dets_gt.json if root has one of them.
    """

    what, prefixes = WHAT, (WHAT,)

    def __init__(
        self,
        *,
        root: str = ".",
        train: Files = None,
        val: Files = None,
        test: Files = None,
        detections: str | None = None,
        short_side: Annotated[int, Field(ge=16)] = 512,
        keep_megabytes: Annotated[int, Field(ge=0)] = 512,
    ) -> None:
        super().__init__(
            root=root,
            train=train,
            val=val,
            test=test,
            short_side=short_side,
            keep_megabytes=keep_megabytes,
        )
        self._detections = detections

    def read(self, name: SplitName, files: Sequence[Path], reader: ImageReader) -> GroundingSplit:
        """A split from its files; boxes to choose from are for those that nothing learns from.

        Raises:
            DataError: a file is not as it should be.
        """
        rows = read_rows(files, partial(_row, name), WHAT, FORM)
        return GroundingSplit(rows, {} if name == "train" else self._candidates(), reader)

    def _candidates(self) -> dict[str, list[Box]]:
        if self._detections is not None:
            return read_detections(self.root / self._detections)
        for name in DETECTIONS:
            if (path := self.root / name).is_file():
                return read_detections(path)
        return {}


class GroundingSplit(Split):
    """Rows of such files.

    An item's fields: `box`, left, top, width and height of what is referred to, in pixels of the
    item's image, where the row has one; `boxes`, those to choose from, likewise; `ref_id`; `part`.

    Args:
        rows: of all files.
        candidates: by image id, the boxes to choose from, in pixels of the row's `size`.
        reader: reads their images.
    """

    def __init__(
        self,
        rows: Sequence[GroundingRow],
        candidates: Mapping[str, Sequence[Box]],
        reader: ImageReader,
    ) -> None:
        self._rows, self._candidates, self._reader = rows, candidates, reader
        self.fingerprint = fingerprint([row, candidates.get(row.image_id)] for row in rows)

    def __len__(self) -> int:
        return len(self._rows)

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Row `index`; nothing about it is left to chance.

        Raises:
            Unreadable: the image cannot be read.
        """
        row = self._rows[index]
        image = self._reader.read(row.image)
        fields: dict[str, Any] = {"ref_id": row.ref_id, "part": row.part}
        if row.box is not None and row.size is not None:
            across, down = image.shape[1] / row.size[0], image.shape[0] / row.size[1]
            fields["box"] = _scaled(row.box, across, down)
            if found := self._candidates.get(row.image_id):
                fields["boxes"] = tuple(_scaled(box, across, down) for box in found)
        return Item(image, row.text, stream("image", row.image), fields)

    def captions(self) -> Iterator[str]:
        """Every text."""
        return (row.text for row in self._rows)


def read_detections(path: Path) -> dict[str, list[Box]]:
    """Boxes to choose from, by image id; what follows the four numbers of a box is left.

    Raises:
        DataError: there is no such file, or it holds something else.
    """
    given = read_json(path, "detections")
    if not isinstance(given, dict):
        message = f"given {describe(given)}, expected {{image_id: [[x, y, width, height, ...]]}}."
        raise DataError(Problem(str(path), "", message))
    problems = [
        Problem(str(path), image_id, "expected a list of boxes [x, y, width, height, ...].")
        for image_id, boxes in given.items()
        if not isinstance(boxes, list)
        or not all(isinstance(box, list) and is_box(box[:4]) for box in boxes)
    ]
    if problems:
        raise DataError(problems)
    return {image_id: [tuple(box[:4]) for box in boxes] for image_id, boxes in given.items()}


def is_box(given: object) -> bool:
    """Whether a JSON value is a box: four numbers, the last two more than 0."""
    if not isinstance(given, list) or len(given) != 4 or not all(map(_is_number, given)):
        return False
    return given[2] > 0 and given[3] > 0


def _row(split: SplitName, index: int, entry: Mapping[str, Any]) -> GroundingRow:
    """The row of an entry of a split; only training can do without a box."""
    image, text = text_in(entry, "image", "the path of an image"), text_in(entry, "text")
    box = size = None
    if "bbox" in entry or split != "train":
        if not is_box(entry.get("bbox")):
            raise wrong(entry, "bbox", "[x, y, width, height] in pixels")
        for key in ("width", "height"):
            if not _is_number(entry.get(key)) or entry[key] <= 0:
                raise wrong(entry, key, "pixels of the picture that bbox speaks of")
        box, size = tuple(entry["bbox"]), (entry["width"], entry["height"])
    return GroundingRow(
        image,
        text,
        box,
        size,
        str(entry.get("image_id", image)),
        str(entry.get("ref_id", index)),
        str(entry.get("split", split)),
    )


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < _MOST


def _scaled(box: Box, across: float, down: float) -> Box:
    x, y, width, height = box
    return (x * across, y * down, width * across, height * down)
