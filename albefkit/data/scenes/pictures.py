"""Drawn scenes, kept on disk between runs where that is worth the room."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from albefkit.data.scenes.drawing import draw
from albefkit.data.scenes.world import World
from albefkit.registry.errors import AlbefkitWarning

KEPT_BYTES = 1 << 30
"""Splits larger than this are drawn picture by picture, as they are asked for."""

_AT_ONCE = 64


def cache_folder() -> Path:
    """Where albefkit keeps what it can make again: `ALBEFKIT_HOME`, else `~/.cache/albefkit`."""
    given = os.environ.get("ALBEFKIT_HOME")
    return Path(given) if given else Path.home() / ".cache" / "albefkit"


class Pictures:
    """The pictures of a world, read from a file that is drawn when first needed.

    Args:
        world: what to draw.
        side: in pixels.
        key: names the file; equal for equal worlds only.
    """

    def __init__(self, world: World, side: int, key: str) -> None:
        self._world, self._side = world, side
        self._file = cache_folder() / "scenes" / f"{key}-{len(world)}x{side}.npy"
        self._kept = len(world) * side * side * 3 <= KEPT_BYTES
        self._array: np.ndarray | None = None

    def __getitem__(self, index: int) -> np.ndarray:
        if self._array is None:
            self.prepare()
        if self._array is None:
            return draw(self._world, index, index + 1, self._side)[0]
        return self._array[index]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_array": None}

    def prepare(self) -> None:
        """Draw everything now, unless it is on disk already or too much to keep."""
        if not self._kept or self._array is not None:
            return
        self._array = self._open()
        if self._array is None:
            try:
                self._draw_to_file()
                self._array = self._open()
            except OSError as error:
                self._kept = False
                warnings.warn(
                    f"scenes cannot be kept in {self._file.parent} ({error.strerror or error}); "
                    "each is drawn anew when asked for. Set ALBEFKIT_HOME to a folder that can be "
                    "written to.",
                    AlbefkitWarning,
                    stacklevel=2,
                )

    def _shape(self) -> tuple[int, int, int, int]:
        return (len(self._world), self._side, self._side, 3)

    def _open(self) -> np.ndarray | None:
        """The file's array, or None where it is missing or not what it should be."""
        try:
            array = np.asarray(np.load(self._file, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError):
            return None
        return array if array.shape == self._shape() and array.dtype == np.uint8 else None

    def _draw_to_file(self) -> None:
        """Write beside and rename, so that no reader ever meets half a file."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=".drawing-", suffix=".npy")
        os.close(handle)
        try:
            array = np.lib.format.open_memmap(name, "w+", np.uint8, self._shape())
            for start in range(0, len(self._world), _AT_ONCE):
                array[start : start + _AT_ONCE] = draw(
                    self._world, start, start + _AT_ONCE, self._side
                )
            array.flush()
            del array
            Path(name).replace(self._file)
        finally:
            Path(name).unlink(missing_ok=True)
