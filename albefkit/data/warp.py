"""Affine warps with bilinear interpolation, as tables of taps that are made once per kind of warp.

Augmentation repeats a handful of warps on pictures of one size, so where each pixel comes from is
worked out once and a warp is a few gathers. Pixels are points at whole numbers and the grey around
the picture takes part in the interpolation, as in the released code; PIL does neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

FILL = 128
"""The grey that comes from outside the picture."""

Affine = tuple[float, float, float, float, float, float]
"""`(a, b, c, d, e, f)`: (x, y) goes to (a x + b y + c, d x + e y + f)."""


class _Plan(NamedTuple):
    """Where new pixels come from.

    Args:
        corners: `(lines, columns)` of `(H * W,)` indices into the padded picture: the one, two or
            four old pixels that each new one is mixed from.
        across: `(H * W, 4)` float32, how far the new pixel is on its way to the second column, once
            for each of four bytes; None where there is one column.
        down: likewise for the second line.
    """

    corners: tuple[tuple[np.ndarray, ...], ...]
    across: np.ndarray | None
    down: np.ndarray | None


def warp(image: np.ndarray, forward: Affine) -> np.ndarray:
    """Move every pixel of `image`, `(H, W, 3)` uint8, by `forward`.

    Four bytes per pixel are gathered as one number, which is faster than three.
    """
    height, width = image.shape[:2]
    plan = _plan(height, width, forward)
    padded = np.full((height + 2, width + 2, 4), FILL, np.uint8)
    padded[1:-1, 1:-1, :3] = image
    pixels = padded.reshape(-1).view(np.uint32)
    gathered = [
        [pixels.take(index).view(np.uint8).reshape(-1, 4) for index in line]
        for line in plan.corners
    ]
    mixed = _between([_between(line, plan.across) for line in gathered], plan.down)
    if mixed.dtype != np.uint8:
        mixed = np.rint(mixed, out=mixed).astype(np.uint8)
    return mixed.reshape(height, width, 4)[..., :3]


def _between(ends: Sequence[np.ndarray], share: np.ndarray | None) -> np.ndarray:
    if share is None:
        return ends[0]
    step = np.subtract(ends[1], ends[0], dtype=np.float32)
    step *= share
    step += ends[0]
    return step


@lru_cache(maxsize=64)
def _plan(height: int, width: int, forward: Affine) -> _Plan:
    x, y = _origins(height, width, forward)
    left, top = np.floor(x), np.floor(y)
    across, down = _share(x - left), _share(y - top)
    columns = [left] if across is None else [left, left + 1]
    lines = [top] if down is None else [top, top + 1]
    corners = [[_padded_index(line, column, height, width) for column in columns] for line in lines]
    return _Plan(tuple(tuple(line) for line in corners), across, down)


def _share(value: np.ndarray) -> np.ndarray | None:
    share = value.astype(np.float32).reshape(-1, 1)
    return np.repeat(share, 4, axis=1) if share.any() else None


def _padded_index(line: np.ndarray, column: np.ndarray, height: int, width: int) -> np.ndarray:
    inside = np.clip(line + 1, 0, height + 1) * (width + 2) + np.clip(column + 1, 0, width + 1)
    return inside.astype(np.intp).reshape(-1)


def _origins(height: int, width: int, forward: Affine) -> tuple[np.ndarray, np.ndarray]:
    """Where each new pixel was, `(H, W)` each.

    Rounded to float32 where the released warp rounds, as ties between grey levels show it.
    """
    a, b, c, d, e, f = np.array(forward, np.float32).astype(np.float64)
    det = a * e - b * d
    line, column = np.indices((height, width))

    def origin(x_share: float, y_share: float, offset: float) -> np.ndarray:
        x_part, y_part, start = np.array([x_share, y_share, offset], np.float32).astype(np.float64)
        row = (y_part * line + start).astype(np.float32)
        return (x_part * column + row).astype(np.float32)

    x = origin(e / det, -b / det, (b * f - c * e) / det)
    y = origin(-d / det, a / det, (c * d - a * f) / det)
    return x, y
