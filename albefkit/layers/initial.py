"""Random weights to start from."""

from __future__ import annotations

from torch import nn


def draw_linear_weights(module: nn.Module, deviation: float | None) -> None:
    """Draw every linear map's weights anew with a standard deviation; None leaves them.

    The usual 0.02 suits widths near 768. At width 128 it makes layers say next to nothing beside
    their residual, and a small model learns nothing for hundreds of steps.
    """
    if deviation is None:
        return
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=deviation)
