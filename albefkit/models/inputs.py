"""What people hand to a model: images in any form, texts as they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from albefkit.data.base import Unreadable
from albefkit.data.images import read_image, upright
from albefkit.registry.errors import DataError, Problem

Picture = str | Path | Image.Image | np.ndarray
"""A file, an image of PIL, or an array `(H, W, 3)` or `(H, W)` of uint8."""
Pictures = Picture | Sequence[Picture | tuple[Picture, ...]] | tuple[Picture, ...]
"""One picture or several; where a text speaks of several at once, they are a tuple."""
Texts = str | Sequence[str]
FORMS = "a path, an image of PIL, or a uint8 array (height, width, 3)"


def as_items(images: Pictures, count: int) -> list[tuple[Picture, ...]]:
    """The pictures of each item, not read yet.

    Args:
        images: as given.
        count: how many pictures an item has.

    Raises:
        DataError: there is none, one is no picture, or an item has another number of them.
    """
    if _is_one(images) or (count > 1 and isinstance(images, tuple)):
        images = [images]  # type: ignore[list-item]
    if not isinstance(images, Sequence | np.ndarray):
        raise DataError(f"given {type(images).__name__} for an image, expected {FORMS}, or a list.")
    items = [each if isinstance(each, tuple) else (each,) for each in images]
    if not items:
        raise DataError("no image was given.")
    for number, item in enumerate(items):
        if len(item) != count:
            message = f"item {number} has {len(item)} image(s), and this model looks at {count}"
            hint = f"Give tuples of {count}." if count > 1 else "Give a list of images."
            raise DataError(Problem("", "", f"{message} for each text.", hint))
        for picture in item:
            if not isinstance(picture, Picture):
                given = type(picture).__name__
                raise DataError(f"image {number}: given {given}, expected {FORMS}.")
    return items  # type: ignore[return-value]


def pixels(picture: Picture) -> np.ndarray:
    """A picture as `(H, W, 3)` uint8 RGB.

    Raises:
        DataError: it cannot be read, or is an array of something else.
    """
    if isinstance(picture, np.ndarray):
        return _of_array(picture)
    if isinstance(picture, Image.Image):
        try:
            return upright(picture)
        except Exception as error:  # decoders raise whatever a broken file makes them stumble over
            name = getattr(picture, "filename", "") or "an image of PIL"
            raise Unreadable(name, f"it cannot be decoded ({error})") from error
    return read_image(Path(picture).expanduser())


def as_texts(texts: Texts, clean: Callable[[str, int], str], most_words: int) -> list[str]:
    """Texts as the model reads them.

    Args:
        texts: as given.
        clean: of the split that the model learnt from, or as good.
        most_words: so many words are read.

    Raises:
        DataError: there is none, or one has no words.
    """
    given = [texts] if isinstance(texts, str) else list(texts)
    if not given:
        raise DataError("no text was given.")
    cleaned = []
    for number, text in enumerate(given):
        if not isinstance(text, str):
            raise DataError(f"text {number}: given {type(text).__name__}, expected a text.")
        cleaned.append(clean(text, most_words))
        if not cleaned[-1].strip():
            raise DataError(f"text {number} has no words: {text[:60]!r}")
    return cleaned


def require_pairs(items: int, texts: int) -> int:
    """How many pairs so many images and texts make; one of either goes with all of the other.

    Raises:
        DataError: they make none.
    """
    if items != texts and 1 not in (items, texts):
        message = f"{items} images and {texts} texts make no pairs."
        raise DataError(Problem("", "", message, "Give as many of both, or one of either."))
    return max(items, texts)


def _is_one(images: object) -> bool:
    if isinstance(images, np.ndarray):
        return images.ndim <= 3
    return isinstance(images, str | Path | Image.Image)


def _of_array(array: np.ndarray) -> np.ndarray:
    shape = array.shape
    grey = array.ndim == 2
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and shape[2] == 3)) or 0 in shape:
        raise DataError(f"given an array {shape} of {array.dtype}, expected {FORMS}.")
    return np.stack([array] * 3, axis=2) if grey else array
