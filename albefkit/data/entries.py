"""Entries of a JSON file that lists them: rows of the right ones, problems of the wrong ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from albefkit.data.files import read_json
from albefkit.registry.errors import DataError, Problem

Row = TypeVar("Row")

Reader = Callable[[int, Mapping[str, Any]], Row]
"""Makes a row of an entry's place in the file and the entry; raises `WrongEntryError`."""

_SHOWN_PROBLEMS = 20


class WrongEntryError(ValueError):
    """An entry of a file is not as it should be.

    Args:
        key: of the entry's value that is wrong; empty where the entry itself is.
        message: what was given and what was expected.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key, self.message = key, message


def read_rows(paths: Sequence[Path], read: Reader[Row], what: str, form: str) -> list[Row]:
    """The rows of files with JSON lists of objects, one file after the other.

    Args:
        paths: the files.
        read: makes a row of an entry.
        what: what the files hold, for messages: "caption".
        form: how an entry looks, for messages.

    Raises:
        DataError: a file cannot be read, has no entries, or something is wrong with some.
    """
    return [row for path in paths for row in require(path, *sift(path, read, what, form))]


def sift(path: Path, read: Reader[Row], what: str, form: str) -> tuple[list[Row], list[Problem]]:
    """The rows of a file with a JSON list of objects, and what is wrong with the others.

    Args:
        path: the file.
        read: makes a row of an entry.
        what: what the file holds, for messages: "caption".
        form: how an entry looks, for messages.

    Raises:
        DataError: there is no such file, or it is not a JSON list.
    """
    given = read_json(path, what)
    if not isinstance(given, list):
        message = f"given {describe(given)}, expected a list of {form}."
        raise DataError(Problem(str(path), "", message))
    rows, problems = [], []
    for index, entry in enumerate(given):
        try:
            if not isinstance(entry, dict):
                raise WrongEntryError("", f"given {describe(entry)}, expected {form}.")
            rows.append(read(index, entry))
        except WrongEntryError as error:
            problems.append(Problem(f"{path}[{index}]", error.key, error.message))
    return rows, problems


def require(path: Path, rows: list[Row], problems: list[Problem], advice: str = "") -> list[Row]:
    """The rows of a file in which nothing is wrong.

    Args:
        path: the file.
        rows: as `sift` found them.
        problems: likewise.
        advice: where to read of all problems, if there are too many to show.

    Raises:
        DataError: something is wrong, or there are no rows.
    """
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        shown = problems[:_SHOWN_PROBLEMS]
        if more > 0:
            shown.append(Problem("", "", f"and {more} more{advice}"))
        raise DataError(shown)
    if not rows:
        raise DataError(Problem(str(path), "", "the file has no entries."))
    return rows


def text_in(entry: Mapping[str, Any], key: str, expected: str = "a text") -> str:
    """The text of an entry under a key.

    Raises:
        WrongEntryError: it is missing, no text, or empty.
    """
    given = entry.get(key)
    if not isinstance(given, str) or not given.strip():
        raise wrong(entry, key, expected)
    return given


def texts_in(
    entry: Mapping[str, Any], key: str, expected: str = "a text or a list of texts"
) -> tuple[str, ...]:
    """The text or texts of an entry under a key, at least one.

    Raises:
        WrongEntryError: they are missing, or not texts.
    """
    given = entry.get(key)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise wrong(entry, key, expected)
    return tuple(texts)


def wrong(entry: Mapping[str, Any], key: str, expected: str) -> WrongEntryError:
    """What to raise where an entry has something else under a key than it should, or nothing."""
    if key not in entry:
        keys = ", ".join(entry) or "nothing"
        return WrongEntryError(key, f"is missing, expected {expected}; the entry has {keys}.")
    shown = json.dumps(entry[key])
    shown = f"{shown[:60]}{'...' if len(shown) > 60 else ''}"
    return WrongEntryError(key, f"given {shown}, expected {expected}.")


def describe(given: Any) -> str:
    """What kind of thing a JSON value is."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(given), "nothing" if given is None else "a number")


def fingerprint(rows: Iterable[object]) -> str:
    """Equal for equal rows in equal order; rows are whatever JSON can say."""
    digest = blake2b(digest_size=16)
    for row in rows:
        digest.update(json.dumps(row).encode())
    return digest.hexdigest()
