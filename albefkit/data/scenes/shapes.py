"""Shapes as outlines and as tables of signed distances, so that all are drawn by one rule.

An outline is a closed polygon in a frame where the object's centre is the origin and its radius 1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from albefkit.data.scenes.words import SHAPES

TABLE_SIDE = 160
"""Cells per side of a distance table."""

REACH = 1.3
"""A table covers -REACH .. REACH in both directions."""

_POINTS = 72
_HOLE = 0.45


def _around(radii: np.ndarray | float, points: int, start: float) -> np.ndarray:
    turn = start + 2 * np.pi * np.arange(points) / points
    return np.stack([np.cos(turn), np.sin(turn)], axis=-1) * np.reshape(radii, (-1, 1))


def _heart() -> np.ndarray:
    turn = 2 * np.pi * np.arange(_POINTS) / _POINTS
    x = 16 * np.sin(turn) ** 3
    y = -(13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn))
    outline = np.stack([x, y], axis=-1) / 16.5
    return outline - (outline.min(axis=0) + outline.max(axis=0)) / 2


def _cross() -> np.ndarray:
    arm, half = 0.95, 0.3
    corner = np.array([[half, -arm], [half, -half], [arm, -half]])
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    turns = [np.linalg.matrix_power(quarter, k) for k in range(4)]
    return np.concatenate([corner @ turn.T for turn in turns])


@lru_cache(maxsize=1)
def outlines() -> dict[str, np.ndarray]:
    """The outline of every shape, `(points, 2)`; a ring's hole is left to its table."""
    disc = _around(1.0, _POINTS, 0.0)
    return {
        "circle": 0.95 * disc,
        "square": _around(1.18, 4, np.pi / 4),
        "triangle": _around(1.12, 3, -np.pi / 2) + np.array([0, 0.2]),
        "star": _around(np.tile([1.1, 0.47], 5), 10, -np.pi / 2) + np.array([0, 0.05]),
        "cross": _cross(),
        "diamond": _around(1.0, 4, 0.0) * np.array([0.78, 1.1]),
        "heart": _heart(),
        "ring": disc,
    }


@lru_cache(maxsize=1)
def distance_tables() -> np.ndarray:
    """Signed distance to the edge, negative inside: `(shapes, TABLE_SIDE, TABLE_SIDE)` float32."""
    side = (np.arange(TABLE_SIDE) + 0.5) / TABLE_SIDE * 2 * REACH - REACH
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    tables = [_signed_distance(outlines()[shape], grid) for shape in SHAPES]
    ring = SHAPES.index("ring")
    tables[ring] = np.maximum(tables[ring], _HOLE - np.linalg.norm(grid, axis=-1))
    return np.stack(tables).astype(np.float32)


def _signed_distance(outline: np.ndarray, grid: np.ndarray) -> np.ndarray:
    nearest = np.full(grid.shape[:2], np.inf)
    inside = np.zeros(grid.shape[:2], bool)
    for start, stop in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        edge, to_point = stop - start, grid - start
        along = np.clip(to_point @ edge / (edge @ edge), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(to_point - along[..., None] * edge, axis=-1))
        crosses = (start[1] > grid[..., 1]) != (stop[1] > grid[..., 1])
        if edge[1] != 0:
            at = start[0] + (grid[..., 1] - start[1]) / edge[1] * edge[0]
            inside ^= crosses & (grid[..., 0] < at)
    return np.where(inside, -nearest, nearest)


@lru_cache(maxsize=1)
def _padded_outlines() -> np.ndarray:
    longest = max(len(outline) for outline in outlines().values())
    padded = [np.pad(o, ((0, longest - len(o)), (0, 0)), "edge") for o in outlines().values()]
    return np.stack(padded)


def extents(shape: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom of turned shapes of radius 1 about their centres: `(m, 4)`.

    Args:
        shape: `(m,)` index into `SHAPES`.
        angle: `(m,)` radians.
    """
    points = _padded_outlines()[shape]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x = cos * points[..., 0] - sin * points[..., 1]
    y = sin * points[..., 0] + cos * points[..., 1]
    return np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=-1)
