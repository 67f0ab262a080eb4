"""Position embeddings of square grids of patches, at another size."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def interpolate_positions(table: Tensor, sides: tuple[int, int], prefix_tokens: int) -> Tensor:
    """Resize the position embeddings of a square grid (spec 1.2).

    Bicubic, corners not aligned, no antialiasing; embeddings of prefix tokens stay as they are.

    Args:
        table: `(1, prefix + S * S, D)`.
        sides: rows and columns wanted.
        prefix_tokens: embeddings before those of the grid.

    Returns:
        `(1, prefix + rows * columns, D)`; `table` itself if the sizes agree.

    Raises:
        ValueError: the grid of `table` is not square.
    """
    patches = table.shape[1] - prefix_tokens
    side = math.isqrt(patches)
    if patches < 1 or side * side != patches:
        raise ValueError(f"{patches} position embeddings do not make a square grid")
    if (side, side) == tuple(sides):
        return table
    prefix, grid = table[:, :prefix_tokens], table[:, prefix_tokens:]
    width = table.shape[2]
    grid = grid.reshape(1, side, side, width).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=tuple(sides), mode="bicubic", align_corners=False)
    grid = grid.permute(0, 2, 3, 1).reshape(1, sides[0] * sides[1], width)
    return torch.cat([prefix, grid], dim=1)
