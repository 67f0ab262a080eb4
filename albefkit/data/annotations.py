"""The released caption files: a JSON list of {image, caption(s), image_id?} (spec 14)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from albefkit.registry.errors import DataError, Problem


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
    rows, problems = [], []
    for index, given in enumerate(_load(path)):
        row = _row(index, given)
        if isinstance(row, CaptionRow):
            rows.append(row)
        else:
            key, message = row
            problems.append(Problem(f"{path}[{index}]", key, message))
    return rows, problems


def _load(path: Path) -> list[Any]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            Problem(str(path), "", f"the caption file cannot be read: {error.strerror}.")
        ) from None
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise DataError(Problem(where, "", f"this is not JSON: {error.msg}.")) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise DataError(Problem(str(path), "", f"this is not JSON: {error}.")) from None
    if not isinstance(given, list):
        raise DataError(
            Problem(
                str(path),
                "",
                f"given {_kind(given)}, expected a list of "
                '{"image": path, "caption": text or list of texts}.',
            )
        )
    return given


def _row(index: int, given: Any) -> CaptionRow | tuple[str, str]:
    """A row, or the key and the sentence that say what is wrong with it."""
    if not isinstance(given, dict):
        return "", f"given {_kind(given)}, expected an object with image and caption."
    image, captions, image_id = given.get("image"), given.get("caption"), given.get("image_id")
    if not isinstance(image, str) or not image:
        return "image", _wrong(given, "image", "the path of an image")
    texts = [captions] if isinstance(captions, str) else captions
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        return "caption", _wrong(given, "caption", "a text or a list of texts")
    if isinstance(image_id, bool) or not isinstance(image_id, int | str | None):
        return "image_id", _wrong(given, "image_id", "a number or a text")
    return CaptionRow(index, image, tuple(texts), image_id)


def _wrong(given: dict[str, Any], key: str, expected: str) -> str:
    if key not in given:
        keys = ", ".join(given) or "nothing"
        return f"is missing, expected {expected}; the entry has {keys}."
    shown = json.dumps(given[key])
    return f"given {shown[:60]}{'...' if len(shown) > 60 else ''}, expected {expected}."


def _kind(given: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(given), "nothing" if given is None else "a number")
