"""Draws many scenes at once, with soft edges, on textured backgrounds.

A background samples one of a few repeating tiles; an object samples its shape's distance table. No
rule asks what is drawn, so a batch of different scenes costs a few array operations.
Shapes: n scenes, m objects, S the picture's side, P the side of the patch an object fits into.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from albefkit.data.scenes.shapes import REACH, TABLE_SIDE, distance_tables
from albefkit.data.scenes.words import GROUND, JITTER, PAINT, PATTERNS, RADII
from albefkit.data.scenes.world import World
from albefkit.seeding import numpy_rng

_TILE = 64
_RIM = 0.16
_FURTHEST = 1.2


def draw(world: World, start: int, stop: int, side: int) -> np.ndarray:
    """Draw scenes `start` to `stop` as `(n, S, S, 3)` uint8.

    Args:
        world: the scenes.
        start: the first scene.
        stop: the scene after the last.
        side: S, in pixels.
    """
    rows = np.arange(start, min(stop, len(world)))
    canvas = _backgrounds(world, rows, side)
    for slot in np.flatnonzero(world.present[rows].any(axis=0)).tolist():
        sizes = np.where(world.present[rows, slot], world.size[rows, slot], -1)
        for size in range(len(RADII)):
            (scene,) = np.nonzero(sizes == size)
            if len(scene):
                _paint(canvas, world, rows[scene], slot, scene, RADII[size] * (1 + JITTER))
    return canvas.astype(np.uint8)


def _backgrounds(world: World, rows: np.ndarray, side: int) -> np.ndarray:
    ground = world.ground[rows].astype(np.float32)
    plain = (world.pattern[rows] == 0)[:, None, None]
    turn, period = np.pi * ground[:, 1], 0.16 + 0.12 * ground[:, 2]
    scale = np.float32(_TILE) / (period * side)
    cos, sin = (np.cos(turn) * scale)[:, None], (np.sin(turn) * scale)[:, None]
    line = np.arange(side, dtype=np.float32)
    along, across = cos * line, sin * line
    u = along[:, None, :] + (across + _TILE * ground[:, 3, None])[:, :, None]
    v = along[:, :, None] - (across - _TILE * ground[:, 4, None])[:, None, :]
    cell = (v.astype(np.int32) & (_TILE - 1)) * _TILE + (u.astype(np.int32) & (_TILE - 1))
    cell += (world.pattern[rows] * _TILE * _TILE).astype(np.int32)[:, None, None]
    tone = _tiles().reshape(-1)[cell]
    grain = _grain(side)
    for index, (x, y) in enumerate((ground[:, 5:7] * side).astype(np.int64)):
        tone[index] += grain[y : y + side, x : x + side]
    first, second = _tones(world, rows)
    spread = np.where(plain, 0.35, 1.0).astype(np.float32)
    tone *= spread
    return first[:, None, None] + (second - first)[:, None, None] * tone[..., None]


def _tones(world: World, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two muted colours per scene, `(n, 3)` float32 each."""
    ground = world.ground[rows]
    lean = 6 * np.cos(2 * np.pi * (ground[:, 6, None] + np.array([0, 1 / 3, 2 / 3])))
    step = np.where(ground[:, 5] < 0.5, 26, -26)[:, None]
    first = np.array(list(GROUND.values()))[world.tone[rows]] + lean - step / 2
    return first.astype(np.float32), (first + step).astype(np.float32)


@lru_cache(maxsize=1)
def _tiles() -> np.ndarray:
    """One period of every pattern, 0..1: `(patterns, _TILE, _TILE)` float32."""
    u, v = np.meshgrid(*[(np.arange(_TILE) + 0.5) / _TILE] * 2)

    def edge(value: np.ndarray) -> np.ndarray:
        return np.clip(0.5 + 4 * value, 0, 1)

    wave = np.sin(2 * np.pi * u)
    tiles = {
        "plain": np.full((_TILE, _TILE), 0.5),
        "striped": edge(wave),
        "checkered": edge(3 * wave * np.sin(2 * np.pi * v)),
        "dotted": edge(3 * (0.27 - np.hypot(u - 0.5, v - 0.5))),
        "wavy": edge(np.sin(2 * np.pi * (v + 0.16 * wave))),
        "speckled": _speckles(),
    }
    return np.stack([tiles[pattern] for pattern in PATTERNS]).astype(np.float32)


def _speckles() -> np.ndarray:
    """Smooth noise that repeats without a seam."""
    rng = numpy_rng("scenes", "speckles")
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(_TILE) * _TILE] * 2))
    band = np.exp(-((frequency - 5) ** 2) / 8)
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(_TILE, _TILE))) * band).real
    return np.clip(0.5 + 1.2 * noise / noise.std() / 2, 0, 1)


@lru_cache(maxsize=4)
def _grain(side: int) -> np.ndarray:
    """Film grain to cut a window from, `(2 S, 2 S)` float32, a share of the step between tones."""
    return numpy_rng("scenes", "grain").normal(0, 0.12, (2 * side, 2 * side)).astype(np.float32)


def _paint(
    canvas: np.ndarray,
    world: World,
    rows: np.ndarray,
    slot: int,
    scene: np.ndarray,
    largest: float,
) -> None:
    """Paint objects of one size onto `canvas` `(n, S, S, 3)`, at most one per scene.

    Args:
        canvas: changed in place.
        world: the scenes.
        rows: `(m,)` scenes of the world.
        slot: which object of its scene each is.
        scene: `(m,)` scenes of the canvas.
        largest: the greatest radius among them.
    """
    side = canvas.shape[1]
    patch = min(side, int(np.ceil(2 * _FURTHEST * largest * side)) + 2)
    radius = (world.radius[rows, slot] * side).astype(np.float32)
    x = (world.x[rows, slot] * side).astype(np.float32)
    y = (world.y[rows, slot] * side).astype(np.float32)
    left = np.clip(np.floor(x - patch / 2).astype(np.int64), 0, side - patch)
    top = np.clip(np.floor(y - patch / 2).astype(np.int64), 0, side - patch)
    step = np.arange(patch)
    columns, lines = left[:, None] + step, top[:, None] + step
    across = ((columns + 0.5 - x[:, None]) / radius[:, None]).astype(np.float32)
    down = ((lines + 0.5 - y[:, None]) / radius[:, None]).astype(np.float32)
    distance, sharpness = _distances(world, rows, slot, across, down), radius[:, None, None]
    alpha = np.clip(0.5 - distance * sharpness, 0, 1)[..., None]
    inner = np.clip(0.5 - (distance + _RIM) * sharpness, 0, 1)
    fill, rim = _colours(world, rows, slot)
    light = (1.06 - 0.1 * down)[:, :, None] * inner
    colour = fill[:, None, None] * light[..., None]
    colour += rim[:, None, None] * (1 - inner)[..., None]
    where = (scene[:, None, None], lines[:, :, None], columns[:, None, :])
    under = canvas[where]
    canvas[where] = np.clip(under + (colour - under) * alpha, 0, 255)


def _distances(
    world: World, rows: np.ndarray, slot: int, across: np.ndarray, down: np.ndarray
) -> np.ndarray:
    """Signed distance of every patch pixel to its object's edge, in radii: `(m, P, P)`."""
    angle = world.angle[rows, slot].astype(np.float32)
    scale = np.float32(TABLE_SIDE / (2 * REACH))
    cos, sin = (np.cos(angle) * scale)[:, None], (np.sin(angle) * scale)[:, None]
    middle = np.float32(TABLE_SIDE / 2)
    u = (cos * across)[:, None, :] + (sin * down + middle)[:, :, None]
    v = (cos * down)[:, :, None] - (sin * across - middle)[:, None, :]
    np.clip(u, 0, TABLE_SIDE - 1, out=u)
    np.clip(v, 0, TABLE_SIDE - 1, out=v)
    cell = v.astype(np.int32) * TABLE_SIDE + u.astype(np.int32)
    cell += (world.shape[rows, slot] * TABLE_SIDE**2).astype(np.int32)[:, None, None]
    return distance_tables().reshape(-1)[cell]


def _colours(world: World, rows: np.ndarray, slot: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill and rim of objects, `(m, 3)` float32 each; the rim is darker, or lighter round black."""
    paint = np.array(list(PAINT.values()), np.float32)[world.colour[rows, slot]]
    tint = (0.9 + 0.1 * world.tint[rows, slot]).astype(np.float32)[:, None]
    lightness = paint.mean(axis=1, keepdims=True)
    rim = np.where(lightness < 40, paint + 45, 0.62 * paint)
    return paint * tint, (rim * tint).astype(np.float32)
