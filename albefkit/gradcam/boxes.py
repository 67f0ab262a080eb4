"""Maps against boxes: which box a map chooses, how well two boxes agree (spec 7).

A box is `x, y, width, height` in pixels of its image; the pixels it holds are rows `int(y)` to
`int(y + height) - 1`, and columns alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from albefkit.gradcam.maps import Middles
from albefkit.layers.receptive import even_middles
from albefkit.registry.errors import ComponentError


def enlarge(maps: Tensor, height: int, width: int, middles: Middles | None = None) -> Tensor:
    """Maps `(..., rows, columns)` as large as their image, `(..., height, width)`: bicubic.

    Args:
        maps: over the whole image.
        height: of the image, in pixels.
        width: of the image, in pixels.
        middles: where rows and columns look; None: in the middle of equal cells.
    """
    flat = maps.reshape(1, -1, *maps.shape[-2:])
    large = F.interpolate(flat, (height, width), mode="bicubic", align_corners=False)
    large = large.reshape(*maps.shape[:-2], height, width)
    if middles is None:
        return large
    down, across = (_sources(*each) for each in zip(middles, (height, width), strict=True))
    return large.index_select(-2, down.to(maps.device)).index_select(-1, across.to(maps.device))


def _sources(middles: Sequence[float], side: int) -> Tensor:
    """Which pixel of an evenly enlarged map belongs at each pixel, `(side,)` int64."""
    pixels = (np.arange(side) + 0.5) / side
    even = even_middles(len(middles))
    places = np.interp(pixels, [0.0, *middles, 1.0], [0.0, *even, 1.0])
    return torch.from_numpy((places * side).astype(np.int64))


def box_sums(maps: Tensor, boxes: Tensor) -> Tensor:
    """What each map holds in each box, `(..., n)` float64; what lies outside the image is empty.

    Args:
        maps: `(..., H, W)`.
        boxes: `(n, 4)`.
    """
    height, width = maps.shape[-2:]
    corners = F.pad(maps.double().cumsum(-1).cumsum(-2), (1, 0, 1, 0))
    x, y, wide, high = boxes.double().unbind(-1)
    left, right = (edge.long().clamp(0, width) for edge in (x, x + wide))
    top, bottom = (edge.long().clamp(0, height) for edge in (y, y + high))
    below = corners[..., bottom, right] - corners[..., bottom, left]
    return below - (corners[..., top, right] - corners[..., top, left])


def box_mask(box: Tensor, height: int, width: int) -> Tensor:
    """Which pixels of an image a box `(4,)` holds, `(height, width)` bool."""
    x, y, wide, high = box.tolist()
    mask = torch.zeros(height, width, dtype=torch.bool)
    left, top = max(0, int(x)), max(0, int(y))
    mask[top : max(0, int(y + high)), left : max(0, int(x + wide))] = True
    return mask


def box_scores(maps: Tensor, boxes: Tensor) -> Tensor:
    """How strongly each map speaks for each box: its sum over the root of the box's area.

    Args:
        maps: `(..., H, W)`, as large as the image.
        boxes: `(n, 4)`, none of them empty.

    Returns:
        `(..., n)` float64.
    """
    return box_sums(maps, boxes) / (boxes[:, 2] * boxes[:, 3]).double().sqrt()


def choose_boxes(scores: Tensor, boxes: Tensor, *, released_stale_box: bool = False) -> Tensor:
    """The box of each item that its map speaks for most strongly, `(items, 4)`.

    Args:
        scores: `(items, n)`, from `box_scores`; minus infinity where an item has fewer boxes.
        boxes: `(items, n, 4)`.
        released_stale_box: an item none of whose boxes scores above 0 takes the box of the item
            before it, as in the released code.

    Raises:
        ComponentError: the first item would have to do so.
    """
    best = scores.argmax(1)
    chosen = boxes[torch.arange(len(boxes)), best]
    if not released_stale_box:
        return chosen
    found = scores.gather(1, best[:, None])[:, 0] > 0
    if len(found) and not found[0]:
        message = "no box of the first item scores above 0, so the released code has none to take"
        raise ComponentError(f"{message}; released_stale_box: false takes the best of them")
    latest = torch.arange(len(found)).where(found, -1).cummax(0).values
    return chosen[latest]


def intersection_over_union(first: Tensor, second: Tensor) -> Tensor:
    """Of boxes `(..., 4)`, `(...)` float64, the last pixel of a box counted as its own (spec 7)."""
    x1, y1, w1, h1 = first.double().unbind(-1)
    x2, y2, w2, h2 = second.double().unbind(-1)
    left, right = torch.maximum(x1, x2), torch.minimum(x1 + w1 - 1, x2 + w2 - 1)
    top, bottom = torch.maximum(y1, y2), torch.minimum(y1 + h1 - 1, y2 + h2 - 1)
    shared = (right - left + 1) * (bottom - top + 1)
    shared = shared.where((left < right) & (top < bottom), 0.0)
    return shared / (w1 * h1 + w2 * h2 - shared)
