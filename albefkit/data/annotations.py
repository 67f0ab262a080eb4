"""The released caption files: a JSON list of {image, caption(s), image_id?} (spec 14)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from albefkit.data.entries import sift, text_in, texts_in, wrong
from albefkit.registry.errors import Problem

WHAT = "caption"
FORM = '{"image": path, "caption": text or list of texts}'


class CaptionRow(NamedTuple):
    """One entry of a caption file.

    Args:
        index: its place in the file, from 0.
        image: path of the image, as written.
        captions: one or more texts.
        image_id: rows with equal ids show the same image; None where the file has none.
    """

    index: int
    image: str
    captions: tuple[str, ...]
    image_id: int | str | None


def read_captions(path: Path) -> tuple[list[CaptionRow], list[Problem]]:
    """The rows of a caption file, and what is wrong with the others.

    Raises:
        DataError: there is no such file, or it is not a JSON list.
    """
    return sift(path, caption_row, WHAT, FORM)


def caption_row(index: int, entry: Mapping[str, Any]) -> CaptionRow:
    """The row of an entry.

    Raises:
        WrongEntryError: the entry is not as it should be.
    """
    image, captions = text_in(entry, "image", "the path of an image"), texts_in(entry, "caption")
    image_id = entry.get("image_id")
    if isinstance(image_id, bool) or not isinstance(image_id, int | str | None):
        raise wrong(entry, "image_id", "a number or a text")
    return CaptionRow(index, image, captions, image_id)
