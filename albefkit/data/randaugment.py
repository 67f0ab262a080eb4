"""RandAugment as released: a few of ten operations, each applied half of the time (spec 10)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import Image

from albefkit.data.warp import warp

Source = np.random.Generator | np.random.RandomState
"""Where choices come from; the released pipeline drew from NumPy's older generator."""

Overflow = Literal["wrap", "clip"]
"""What becomes of values beyond 0..255: they wrap round, as released, or are clipped."""

_MAX_LEVEL = 10
_PROBABILITY = 0.5


def auto_contrast(image: np.ndarray, overflow: Overflow = "clip") -> np.ndarray:
    """Stretch each channel to 0..255.

    The released code negates the lowest value as a byte, so that "wrap" turns every channel white
    that does not reach down to 0.
    """
    picture = Image.fromarray(image)
    low, high = np.array(picture.getextrema()).T[..., None]
    scale = 255 / np.maximum(high - low, 1)
    offset = (-low % 256 if overflow == "wrap" else -low) * scale
    levels = np.arange(256)
    tables = np.where(high > low, np.clip(levels * scale + offset, 0, 255), levels)
    return _look_up(picture, tables)


def equalize(image: np.ndarray) -> np.ndarray:
    """Spread each channel's grey levels evenly, by PIL's rule."""
    picture = Image.fromarray(image)
    counts = np.array(picture.histogram()).reshape(3, 256)
    return _look_up(picture, np.stack([_equal_levels(channel) for channel in counts]))


def brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiply every value, cutting off fractions and what exceeds 255."""
    table = np.clip(np.arange(256) * factor, 0, 255).astype(np.uint8)
    return table[image]


def sharpness(image: np.ndarray, factor: float, overflow: Overflow = "clip") -> np.ndarray:
    """Move away from a smoothed copy; the outermost pixels stay.

    What leaves 0..255 comes back on the other side in the released code ("wrap").
    """
    wide = image.astype(np.uint16)
    inner = wide[1:-1, 1:-1]
    lines = wide[:-2] + wide[1:-1] + wide[2:]
    total = lines[:, :-2] + lines[:, 1:-1] + lines[:, 2:] + 4 * inner
    smooth = ((total + 6) // 13).astype(np.float32)
    sharp = smooth + np.float32(factor) * (inner - smooth)
    if overflow == "clip":
        np.clip(sharp, 0, 255, out=sharp)
    result = image.copy()
    result[1:-1, 1:-1] = sharp.astype(np.int32)
    return result


def shear_x(image: np.ndarray, factor: float) -> np.ndarray:
    """Move each row sideways by `factor` of its distance from the top edge."""
    return warp(image, (1, factor, 0, 0, 1, 0))


def shear_y(image: np.ndarray, factor: float) -> np.ndarray:
    """Move each column down by `factor` of its distance from the left edge."""
    return warp(image, (1, 0, 0, factor, 1, 0))


def translate_x(image: np.ndarray, offset: float) -> np.ndarray:
    """Move to the left by `offset` pixels."""
    return warp(image, (1, 0, -offset, 0, 1, 0))


def translate_y(image: np.ndarray, offset: float) -> np.ndarray:
    """Move up by `offset` pixels."""
    return warp(image, (1, 0, 0, 0, 1, -offset))


def rotate(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turn counter-clockwise about the middle."""
    x, y = image.shape[1] / 2, image.shape[0] / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return warp(image, (cos, sin, (1 - cos) * x - sin * y, -sin, cos, sin * x + (1 - cos) * y))


def _equal_levels(counts: np.ndarray) -> np.ndarray:
    present = counts[counts > 0]
    step = int(counts.sum() - present[-1]) // 255
    if step == 0:
        return np.arange(256, dtype=np.uint8)
    below = np.cumsum(counts) - counts
    return np.clip((step // 2 + below) // step, 0, 255).astype(np.uint8)


def _look_up(picture: Image.Image, tables: np.ndarray) -> np.ndarray:
    """One table of 256 levels per channel, `(3, 256)`."""
    return np.asarray(picture.point(tables.astype(np.uint8).reshape(-1).tolist()))


def _sign(rng: Source) -> int:
    return -1 if rng.random() > 0.5 else 1


def _sign_of_turn(rng: Source) -> int:
    return -1 if rng.random() < 0.5 else 1


def _enhance(level: float) -> float:
    return 0.1 + 1.8 * level / _MAX_LEVEL


_OPERATIONS: tuple[Callable[[np.ndarray, float, Source, Overflow], np.ndarray], ...] = (
    lambda image, level, rng, overflow: image,
    lambda image, level, rng, overflow: auto_contrast(image, overflow),
    lambda image, level, rng, overflow: equalize(image),
    lambda image, level, rng, overflow: brightness(image, _enhance(level)),
    lambda image, level, rng, overflow: sharpness(image, _enhance(level), overflow),
    lambda image, level, rng, overflow: shear_x(image, _sign(rng) * 0.3 * level / _MAX_LEVEL),
    lambda image, level, rng, overflow: shear_y(image, _sign(rng) * 0.3 * level / _MAX_LEVEL),
    lambda image, level, rng, overflow: translate_x(image, _sign(rng) * 10 * level / _MAX_LEVEL),
    lambda image, level, rng, overflow: translate_y(image, _sign(rng) * 10 * level / _MAX_LEVEL),
    lambda image, level, rng, overflow: rotate(image, _sign_of_turn(rng) * 30 * level / _MAX_LEVEL),
)


class RandAugment:
    """A few random operations in a row, each applied half of the time (spec 10).

    Brightness and sharpness only ever grow, and translation counts pixels whatever the size of the
    image, as in the released code.

    Args:
        operations: how many are drawn, with replacement, from ten.
        level: how strong they are, 0 to 10.
        overflow: "wrap" lets values beyond 0..255 wrap round, as released.
    """

    def __init__(self, operations: int = 2, level: float = 7, overflow: Overflow = "clip") -> None:
        self.operations, self.level, self.overflow = operations, level, overflow

    def __call__(self, image: np.ndarray, rng: Source) -> np.ndarray:
        """Another version of `image`, `(H, W, 3)` uint8."""
        for operation in rng.choice(len(_OPERATIONS), self.operations).tolist():
            if rng.random() <= _PROBABILITY:
                image = _OPERATIONS[operation](image, self.level, rng, self.overflow)
        return image
