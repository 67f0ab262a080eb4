"""Files that are either whole or not there, and folders in which nothing is overwritten."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from albefkit.registry.errors import Problem, RecipeError


def write_text(path: Path, text: str) -> None:
    """Write beside and rename: nobody ever reads half a file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def write_json(path: Path, value: Any) -> None:
    """As `write_text`, readable by people and by machines."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def is_free(folder: Path) -> bool:
    """Whether a folder is empty, or not there."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def require_free(folder: Path, asked: str) -> None:
    """Refuse to write where something is.

    Args:
        folder: where to write.
        asked: the option or argument that named it.

    Raises:
        RecipeError: there is something in the folder, or a file of its name.
    """
    if not is_free(folder):
        message = "is there already, and nothing is overwritten"
        raise RecipeError(Problem(asked, str(folder), message, "Give a new or an empty folder."))
