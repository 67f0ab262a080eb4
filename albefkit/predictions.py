"""Answers to the questions that objectives put, and how wrong they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F


def at_least_float32(tensor: Tensor) -> Tensor:
    """The tensor in float32, or as it is where it is already more precise."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of C candidates for each of R rows, judged by cross-entropy.

    Args:
        logits: `(R, C)`; impossible candidates hold a very negative number.
        answers: `(R,)` int64, or `(R, C)` rows that sum to 1: what the data say.
        chance: the loss of someone who knows only the prior (nats).
        weight: `(R,)`, 0 where a row stands for nothing; None: all 1.
        advice: `(R, C)`, targets tempered by a teacher, or None.
        per: what the weighted sum of the rows' losses is divided by; None: the sum of the weights.
    """

    logits: Tensor
    answers: Tensor
    chance: Tensor | float
    weight: Tensor | None = None
    advice: Tensor | None = None
    per: float | None = None

    def loss(self) -> Tensor:
        """Mean cross-entropy against the tempered targets; 0 when there is no row."""
        return self._cross_entropy(self.answers if self.advice is None else self.advice)

    def hard_loss(self) -> Tensor:
        """Mean cross-entropy against what the data say, teacher or not."""
        return self._cross_entropy(self.answers)

    def accuracy(self) -> Tensor:
        """Share of rows whose best candidate has the largest target."""
        answers = self.answers if self.answers.dim() == 1 else self.answers.argmax(1)
        right = (self.logits.argmax(1) == answers).to(self.logits.dtype)
        return self._mean(right)

    def skipped(self) -> Tensor:
        """How many rows stand for nothing."""
        if self.weight is None:
            return self.logits.new_zeros(())
        return (self.weight == 0).sum()

    def soften(self, teacher: Choice, alpha: float) -> Choice:
        """Temper the targets with the teacher's answer to the same question:
        `(1 - alpha) answers + alpha softmax(teacher)` (paper eq. 6 and 7).
        """
        advice = alpha * at_least_float32(teacher.logits.detach()).softmax(1)
        if self.answers.dim() == 2:
            advice = torch.add(advice, self.answers, alpha=1 - alpha)
        else:
            certainty = advice.new_full((len(advice), 1), 1 - alpha)
            advice = advice.scatter_add(1, self.answers[:, None], certainty)
        return replace(self, advice=advice)

    def _cross_entropy(self, targets: Tensor) -> Tensor:
        # F.cross_entropy takes either form of target; "none" keeps the case of no rows finite.
        rows = F.cross_entropy(at_least_float32(self.logits), targets, reduction="none")
        if self.per is None:
            return self._mean(rows)
        return (rows if self.weight is None else rows * self.weight).sum() / self.per

    def _mean(self, rows: Tensor) -> Tensor:
        if self.weight is None:
            return rows.sum() / max(1, len(rows))
        return (rows * self.weight).sum() / self.weight.sum().clamp(min=1.0)
