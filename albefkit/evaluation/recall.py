"""Recall at 1, 5 and 10: Q queries, C candidates, some of them right."""

from __future__ import annotations

import torch
from torch import Tensor

CUTS = (1, 5, 10)


def ranks(scores: Tensor, right: Tensor) -> Tensor:
    """How many wrong candidates come before the best right one, for each query.

    A wrong candidate with the same score comes before a right one, and so does whatever cannot be
    compared (NaN): nothing is gained by saying the same about everything.

    Args:
        scores: `(Q, C)`.
        right: `(Q, C)` bool.

    Returns:
        `(Q,)` int64, 0 for the best; C where no candidate is right.
    """
    best = scores.masked_fill(~right | scores.isnan(), -torch.inf).amax(1, keepdim=True)
    before = (~(scores < best) & ~right).sum(1)
    return torch.where(right.any(1), before, scores.shape[1])


def recalls(found: Tensor, prefix: str) -> dict[str, float]:
    """Percent of queries whose rank, from 0, is below each cut."""
    return {f"{prefix}_r{cut}": 100 * (found < cut).double().mean().item() for cut in CUTS}


def chance_recalls(right_per_query: Tensor, candidates: int, prefix: str) -> dict[str, float]:
    """Percent that a random order would reach.

    Args:
        right_per_query: `(Q,)`, how many of the candidates are right.
        candidates: C.
        prefix: of the names.
    """
    wrong = candidates - right_per_query.double()
    missed, chances = torch.ones_like(wrong), {}
    for place in range(max(CUTS)):
        missed = missed * ((wrong - place) / max(1, candidates - place)).clamp(0, 1)
        if place + 1 in CUTS:
            chances[f"{prefix}_r{place + 1}"] = 100 * (1 - missed).mean().item()
    return chances


def mean_recall(metrics: dict[str, float], prefix: str = "") -> float:
    """The mean of the six recalls."""
    six = [metrics[f"{prefix}{way}_r{cut}"] for way in ("text", "image") for cut in CUTS]
    return sum(six) / len(six)
