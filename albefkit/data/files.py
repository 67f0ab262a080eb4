"""JSON files of a folder with data: finding those of a split, and reading them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from albefkit.data.base import SPLITS, SplitName
from albefkit.registry.errors import DataError, Problem

Files = str | list[str] | None
"""A file, several that are one split together, or whatever is found."""

_WORDS: Mapping[SplitName, tuple[str, ...]] = {
    "train": ("train",),
    "val": ("val", "validation", "dev"),
    "test": ("test",),
}


class SplitFiles:
    """Which files hold which split.

    Args:
        root: folder that their names start from, and in which they are looked for.
        given: split -> the files a recipe names, if any.
        prefixes: what the name of a file may begin with besides nothing: "ve" finds train.json,
            then ve_train.json, then the only other *_train.json.
        what: what the files hold, for messages.
    """

    def __init__(
        self,
        root: str,
        given: Mapping[SplitName, Files],
        prefixes: Sequence[str],
        what: str,
    ) -> None:
        self.root = Path(root).expanduser()
        self._given = given
        self._conventions = ["{}.json", *(f"{prefix}_{{}}.json" for prefix in prefixes)]
        self._what = what

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits there are files for."""
        return tuple(name for name in SPLITS if self._given[name] or self._candidates(name))

    def of(self, name: SplitName) -> list[Path]:
        """The files of one split.

        Raises:
            DataError: there is none, or there are several to choose from.
        """
        given = self._given[name]
        if given:
            return [self.root / file for file in ([given] if isinstance(given, str) else given)]
        where = self.root.absolute()
        if not self.root.is_dir():
            raise DataError(Problem("", "data.root", f"there is no folder {where}."))
        found = self._candidates(name)
        if len(found) == 1:
            return found
        message = f"there is no {self._what} file for '{name}' in {where}."
        if found:
            several = ", ".join(path.name for path in found)
            message = f"{where} has several files that could be '{name}': {several}."
        raise DataError(
            Problem("", f"data.{name}", message, f"Name it: data.{name}: FILE, or a list of files.")
        )

    def _candidates(self, name: SplitName) -> list[Path]:
        """The one conventional file, or whatever else could be meant."""
        for word in _WORDS[name]:
            for convention in self._conventions:
                if (path := self.root / convention.format(word)).is_file():
                    return [path]
        return sorted(path for word in _WORDS[name] for path in self.root.glob(f"*_{word}.json"))


def read_json(path: Path, what: str) -> Any:
    """What a JSON file holds.

    Args:
        path: the file.
        what: what it should hold, for messages: "caption".

    Raises:
        DataError: there is no such file, or it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            Problem(str(path), "", f"the {what} file cannot be read: {error.strerror}.")
        ) from None
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise DataError(Problem(where, "", f"this is not JSON: {error.msg}.")) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise DataError(Problem(str(path), "", f"this is not JSON: {error}.")) from None
