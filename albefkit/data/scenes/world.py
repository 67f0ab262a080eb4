"""What is in every scene: a function of (seed, split, index), before anything is drawn or said.

Scene i takes row i of a table of uniform numbers, so a longer split begins with the shorter one.
Lengths are shares of the picture's side; x runs to the right, y downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np

from albefkit.data.scenes.shapes import extents
from albefkit.data.scenes.words import (
    COLOURS,
    JITTER,
    MAX_OBJECTS,
    PATTERNS,
    RADII,
    SHAPES,
    SIZES,
    TONES,
)
from albefkit.seeding import numpy_rng

GENERATOR_VERSION = 4
"""To be raised with every change of what is drawn or said: cached pictures carry it."""

_COUNT_WEIGHTS = np.array([0.10, 0.70, 0.16, 0.04, 0.03, 0.02])
_SIZE_SHARES = np.array([0.3, 0.4, 0.3])
_GROUP_SHARE = 0.2
_CANDIDATES = 24
_GAP, _MARGIN = 0.02, 0.01
_PER_OBJECT = 6 + 2 * _CANDIDATES
_PER_SCENE = 12


class SceneObject(NamedTuple):
    """One thing in a scene, in words and numbers.

    Args:
        shape: one of `SHAPES`.
        colour: one of `COLOURS`.
        size: one of `SIZES`.
        x: centre, 0 at the left edge, 1 at the right.
        y: centre, 0 at the top, 1 at the bottom.
        box: left, top, right, bottom of what is drawn.
    """

    shape: str
    colour: str
    size: str
    x: float
    y: float
    box: tuple[float, float, float, float]


class Background(NamedTuple):
    """What is behind the objects: one of `PATTERNS` in one of `TONES`."""

    pattern: str
    tone: str


@dataclass(frozen=True)
class World:
    """Every scene of a split as columns: n scenes, up to M objects each.

    Args:
        present: `(n, M)` bool, which of the M places hold an object.
        shape: `(n, M)` index into `SHAPES`; colour and size alike.
        colour: `(n, M)`.
        size: `(n, M)`.
        x: `(n, M)` centres.
        y: `(n, M)`.
        radius: `(n, M)`.
        angle: `(n, M)` radians.
        tint: `(n, M)` 0..1, how light this object's paint is.
        pattern: `(n,)` index into `PATTERNS`.
        tone: `(n,)` index into `TONES`.
        ground: `(n, 8)` uniform numbers that fix the rest of the background.
    """

    present: np.ndarray
    shape: np.ndarray
    colour: np.ndarray
    size: np.ndarray
    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    tint: np.ndarray
    pattern: np.ndarray
    tone: np.ndarray
    ground: np.ndarray

    def __len__(self) -> int:
        return len(self.pattern)

    def rows(self, scenes: Sequence[int]) -> World:
        """Only these scenes, in this order."""
        return World(**{each.name: getattr(self, each.name)[scenes] for each in fields(World)})

    def objects(self, index: int) -> tuple[SceneObject, ...]:
        """The objects of scene `index`."""
        return self._objects[index]

    @cached_property
    def _objects(self) -> list[tuple[SceneObject, ...]]:
        scene, slot = np.nonzero(self.present)
        shape, radius = self.shape[scene, slot], self.radius[scene, slot, None]
        x, y = self.x[scene, slot], self.y[scene, slot]
        boxes = np.stack([x, y, x, y], axis=-1) + radius * extents(shape, self.angle[scene, slot])
        columns = (scene, shape, self.colour[scene, slot], self.size[scene, slot], x, y)
        rows: list[list[SceneObject]] = [[] for _ in range(len(self))]
        lists = (column.tolist() for column in columns)
        for i, s, c, z, px, py, box in zip(*lists, boxes.tolist(), strict=True):
            rows[i].append(SceneObject(SHAPES[s], COLOURS[c], SIZES[z], px, py, tuple(box)))
        return [tuple(row) for row in rows]

    def background(self, index: int) -> Background:
        """The background of scene `index`."""
        return Background(PATTERNS[self.pattern[index]], TONES[self.tone[index]])


def make_world(seed: int, split: str, length: int, objects: tuple[int, int] = (1, 4)) -> World:
    """Think up `length` scenes with between `objects[0]` and `objects[1]` objects each."""
    rng = numpy_rng(seed, "scenes", split)
    table = rng.random((length, _PER_SCENE + MAX_OBJECTS * _PER_OBJECT))
    scene = table[:, :_PER_SCENE]
    each = table[:, _PER_SCENE:].reshape(length, MAX_OBJECTS, _PER_OBJECT)
    shape = _index(each[..., 0], len(SHAPES))
    colour = _index(each[..., 1], len(COLOURS))
    size = np.searchsorted(np.cumsum(_SIZE_SHARES)[:-1], each[..., 2], side="right")
    count = _counts(scene[:, 0], objects)
    for column in (shape, colour, size):
        _repeat_first(column, count, scene[:, 1], scene[:, 2])
    radius = RADII[size] * (1 + JITTER * (2 * each[..., 3] - 1))
    candidates = each[..., 6:].reshape(length, MAX_OBJECTS, _CANDIDATES, 2)
    x, y, present = _place(candidates, radius, count)
    return World(
        present=present,
        shape=shape,
        colour=colour,
        size=size,
        x=x,
        y=y,
        radius=radius,
        angle=0.4 * each[..., 4] - 0.2,
        tint=each[..., 5],
        pattern=_index(scene[:, 3], len(PATTERNS)),
        tone=_index(scene[:, 4], len(TONES)),
        ground=scene[:, 4:12],
    )


def _index(uniform: np.ndarray, choices: int) -> np.ndarray:
    return (uniform * choices).astype(np.int64)


def _counts(uniform: np.ndarray, objects: tuple[int, int]) -> np.ndarray:
    low, high = objects
    weights = _COUNT_WEIGHTS[low - 1 : high]
    bounds = np.cumsum(weights / weights.sum())[:-1]
    return low + np.searchsorted(bounds, uniform, side="right")


def _repeat_first(
    column: np.ndarray, count: np.ndarray, whether: np.ndarray, how_many: np.ndarray
) -> None:
    """In some scenes the first few objects look alike, so that there is something to count."""
    alike = np.where(whether < _GROUP_SHARE, 2 + how_many * (count - 1), 1).astype(np.int64)
    same = np.arange(MAX_OBJECTS) < np.minimum(alike, count)[:, None]
    column[...] = np.where(same, column[:, :1], column)


def _place(
    candidates: np.ndarray, radius: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each object the first of its candidate places that touches no earlier object."""
    length = len(count)
    rows = np.arange(length)
    places = np.zeros((length, MAX_OBJECTS, 2))
    present = np.zeros((length, MAX_OBJECTS), bool)
    for slot in range(int(count.max(initial=0))):
        border = radius[:, slot, None, None] + _MARGIN
        spots = border + candidates[:, slot] * (1 - 2 * border)
        free = np.ones(spots.shape[:2], bool)
        for earlier in range(slot):
            away = np.linalg.norm(spots - places[:, None, earlier], axis=-1)
            apart = away > (radius[:, slot] + radius[:, earlier] + _GAP)[:, None]
            free &= apart | ~present[:, None, earlier]
        places[:, slot] = spots[rows, free.argmax(axis=1)]
        present[:, slot] = free.any(axis=1) & (slot < count)
    return places[..., 0], places[..., 1], present
