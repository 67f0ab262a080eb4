"""Image-text contrast with soft targets (spec 2.1, items 6 and 7)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from albefkit.bench.reference.candidates import Candidates, Features


class Similarities(NamedTuple):
    """Over the temperature, each `(B, K)`."""

    image_to_text: Tensor
    text_to_image: Tensor


def compare(own: Features, candidates: Candidates, temperature: Tensor) -> Similarities:
    """Similarities of a network's features with the candidates."""
    return Similarities(
        own.image @ candidates.text / temperature,
        own.text @ candidates.image / temperature,
    )


def contrast_loss(
    student: Similarities, teacher: Similarities, right: Tensor, alpha: float
) -> Tensor:
    """The mean over both directions.

    Args:
        student: its similarities.
        teacher: those of its teacher, over the same temperature.
        right: `(B, K)` bool, which candidates are right; they share the target evenly.
        alpha: weight of the teacher's word, 0 to 1.
    """
    hard = right.to(student.image_to_text.dtype)
    hard = hard / hard.sum(1, keepdim=True)
    losses = []
    for logits, advice in zip(student, teacher, strict=True):
        with torch.no_grad():
            targets = alpha * F.softmax(advice, dim=1) + (1 - alpha) * hard
        losses.append(-torch.sum(F.log_softmax(logits, dim=1) * targets, dim=1).mean())
    return (losses[0] + losses[1]) / 2
