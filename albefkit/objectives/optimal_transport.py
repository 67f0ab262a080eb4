"""Optimal transport between two small sets, many pairs of sets at a time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cosine_cost(left: Tensor, right: Tensor) -> Tensor:
    """`1 - cosine` of each token on the left with each on the right.

    Args:
        left: `(P, N, D)`.
        right: `(P, M, D)`.

    Returns:
        `(P, N, M)`.
    """
    return 1 - F.normalize(left, dim=-1) @ F.normalize(right, dim=-1).mT


@torch.no_grad()
def transport_plan(
    cost: Tensor, left: Tensor, right: Tensor, *, beta: float = 0.5, iterations: int = 50
) -> Tensor:
    """How much of each token on the left goes to which on the right, at about the least cost.

    Inexact proximal point method (IPOT, arXiv 1802.04307, algorithm 1 with one inner step). All
    real tokens of a side weigh the same, both sides weigh 1; a pair of which one side is empty
    moves nothing.

    Args:
        cost: `(P, N, M)`.
        left: `(P, N)` bool, which tokens are real.
        right: `(P, M)` bool.
        beta: how strongly an iteration holds on to the plan before it; more than 0.
        iterations: the more, the nearer to the least cost.

    Returns:
        `(P, N, M)`; what arrives on the right is exact, what leaves the left nearly so.
    """
    possible = left[:, :, None] & right[:, None, :]
    nearness = torch.exp(-cost / beta) * possible
    from_left, to_right = _shares(left, cost.dtype), _shares(right, cost.dtype)
    plan = possible.to(cost.dtype)
    by_right = to_right
    for _ in range(iterations):
        kernel = nearness * plan
        by_left = from_left / _at_least((kernel @ by_right[:, :, None])[:, :, 0])
        by_right = to_right / _at_least((by_left[:, None, :] @ kernel)[:, 0])
        plan = by_left[:, :, None] * kernel * by_right[:, None, :]
    return plan


def _shares(real: Tensor, dtype: torch.dtype) -> Tensor:
    """The weight of each token, `(P, N)`: real ones share 1."""
    return real.to(dtype) / real.sum(1, keepdim=True).clamp(min=1)


def _at_least(sums: Tensor) -> Tensor:
    """Sums to divide by: those of tokens that are not real are 0."""
    return sums.clamp(min=torch.finfo(sums.dtype).tiny)
