"""Files that appear whole, and that several processes agree to make once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from albefkit.registry.errors import DataError, Problem
from filelock import FileLock


@contextmanager
def written_whole(file: Path) -> Iterator[Path]:
    """Give a file beside `file` to write to, and put it in its place when that is done."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        yield beside
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def made_once(file: Path, make: Callable[[], None]) -> Path:
    """The file, made first if it is not there; of several processes one makes it, all others wait.

    Args:
        file: what is wanted.
        make: writes it.

    Raises:
        DataError: the folder cannot be written to.
    """
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(file.with_name(f".{file.name}.lock")):
                if not file.exists():
                    make()
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}"
        hint = "Set ALBEFKIT_HOME to a folder that can be written to."
        raise DataError(Problem("", str(file), message, hint)) from error
    return file
