"""Maps painted over pictures, for people to look at (spec 7, last item)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from albefkit.gradcam.boxes import enlarge
from albefkit.gradcam.maps import Middles

BLUR = 0.02
"""Standard deviation of the blur, as a share of the picture's longer side."""

_REACH = 4
_FADE = 0.7


def heat(grad_cam: Tensor, height: int, width: int, middles: Middles | None = None) -> np.ndarray:
    """A map as large as its picture, smooth, from 0 to 1: `(height, width)` float32.

    Args:
        grad_cam: `(rows, columns)`.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        middles: where rows and columns look; None: in the middle of equal cells.
    """
    small = grad_cam.detach().cpu().float()
    large = enlarge(small, height, width, middles).numpy()
    sigma = BLUR * max(height, width)
    return _stretched(_blurred(_blurred(large, sigma).T, sigma).T)


def jet(values: np.ndarray) -> np.ndarray:
    """The colours from blue by green to red for values from 0 to 1: `(...)` -> `(..., 3)`, 0..1."""
    peaks = np.array([3.0, 2.0, 1.0], np.float32)
    return np.clip(1.5 - np.abs(4 * values[..., None] - peaks), 0, 1)


def overlay(picture: np.ndarray, grad_cam: Tensor, middles: Middles | None = None) -> np.ndarray:
    """A picture with a map over it, the more opaque the stronger the map: `(H, W, 3)` uint8.

    Args:
        picture: `(H, W, 3)` uint8.
        grad_cam: `(rows, columns)`.
        middles: where rows and columns look; None: in the middle of equal cells.
    """
    height, width = picture.shape[:2]
    values = heat(grad_cam, height, width, middles)
    opacity = (values**_FADE)[..., None]
    painted = (1 - opacity) * picture + opacity * 255 * jet(values)
    return painted.round().astype(np.uint8)


def save_overlay(
    path: Path, picture: np.ndarray, grad_cam: Tensor, middles: Middles | None = None
) -> None:
    """Write `overlay` to a PNG.

    Args:
        path: of the file.
        picture: `(H, W, 3)` uint8.
        grad_cam: `(rows, columns)`.
        middles: where rows and columns look; None: in the middle of equal cells.
    """
    Image.fromarray(overlay(picture, grad_cam, middles)).save(path, format="PNG")


def _stretched(values: np.ndarray) -> np.ndarray:
    """From 0 to 1; all 0 where all are equal."""
    span = values.max() - values.min()
    return (values - values.min()) / (span if span > 0 else 1)


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur along columns, the border mirrored."""
    reach = min(int(_REACH * sigma + 0.5), len(values) - 1)
    steps = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (steps / sigma) ** 2)
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
    return (windows @ (kernel / kernel.sum())).astype(np.float32)
