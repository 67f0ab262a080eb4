"""BERT's pooler."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Pooler(nn.Module):
    """A linear map and tanh of the token that stands for all: one summary per row.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)

    def forward(self, token: Tensor) -> Tensor:
        """`(R, D)` to `(R, D)`, each number between -1 and 1."""
        return torch.tanh(self.dense(token))
