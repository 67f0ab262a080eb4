"""Attention written out, as the released code computes it (spec 1.1, 1.3)."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

SELF_MASKED = -10000.0
"""Added to the scores of hidden tokens where a text looks at itself."""

CROSS_MASKED = -1e9
"""Added to the scores of hidden tokens where a text looks elsewhere."""


def attend(
    query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor | None, dropout: float
) -> Tensor:
    """`softmax(Q K^T / sqrt(d) + mask) V`, every matrix of it in memory.

    Args:
        query: `(R, L, D)`.
        key: `(R, N, D)`.
        value: `(R, N, D)`.
        heads: how many; they divide D.
        mask: from `additive`, or None where all may be looked at.
        dropout: chance of an attention weight to be dropped now, 0 to 1.

    Returns:
        `(R, L, D)`.
    """
    query, key, value = (_split(each, heads) for each in (query, key, value))
    scores = query @ key.transpose(-1, -2)
    scores = scores / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores + mask
    weights = F.dropout(scores.softmax(dim=-1), dropout)
    return (weights @ value).permute(0, 2, 1, 3).flatten(2)


def additive(mask: Tensor, masked: float, like: Tensor) -> Tensor:
    """A mask as something to add to scores: 0 where a token may be seen, else `masked`.

    Args:
        mask: `(R, N)` bool, or `(R, L, N)` where it depends on who looks.
        masked: `SELF_MASKED` or `CROSS_MASKED`.
        like: of the numbers' type.

    Returns:
        `(R, 1, 1, N)` or `(R, 1, L, N)`.
    """
    rows = mask[:, None, None, :] if mask.dim() == 2 else mask[:, None]
    return (1.0 - rows.to(like.dtype)) * masked


def _split(tokens: Tensor, heads: int) -> Tensor:
    return tokens.unflatten(2, (heads, -1)).permute(0, 2, 1, 3)
