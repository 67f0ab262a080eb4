"""Hiding words (spec 2.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.tensors import IGNORED, TextView


@dataclass(frozen=True, slots=True)
class Draws:
    """Four independent draws for every position, `(B, L)` each.

    Args:
        select: bool, the word is to be predicted.
        replace: bool, it is then shown as [MASK].
        scramble: bool, where it is not shown as [MASK], it is shown as `word`.
        word: int64, a word drawn from the vocabulary.
    """

    select: Tensor
    replace: Tensor
    scramble: Tensor
    word: Tensor


def draw(
    shape: torch.Size, probability: float, vocabulary: tuple[int, int], generator: torch.Generator
) -> Draws:
    """Draw 80 / 10 / 10 as in BERT: of the selected, 0.8 masked, half of the rest scrambled.

    Args:
        shape: `(B, L)`.
        probability: share of words selected, 0 to 1.
        vocabulary: first id and one past the last id that a scrambled word may take.
        generator: on the host.
    """

    def happens(share: float) -> Tensor:
        return torch.rand(shape, generator=generator) < share

    return Draws(
        select=happens(probability),
        replace=happens(0.8),
        scramble=happens(0.5),
        word=torch.randint(*vocabulary, shape, generator=generator),
    )


def hide(text: TextView, draws: Draws, mask_id: int, keep: frozenset[int]) -> TextView:
    """Apply draws to a batch's texts; on the host.

    Args:
        text: the texts, `(B, L)`.
        draws: what to do where.
        mask_id: the id of [MASK].
        keep: ids that are never selected ([PAD], [CLS]).
    """
    ids = text.ids
    kept = torch.isin(ids, torch.tensor(sorted(keep)))
    selected = draws.select & ~kept
    masked = selected & draws.replace
    scrambled = selected & ~draws.replace & draws.scramble
    shown = torch.where(masked, mask_id, torch.where(scrambled, draws.word, ids))
    return TextView(shown, text.mask, labels=torch.where(selected, ids, IGNORED))
