"""Answers to the questions that objectives put, and how wrong they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F


def at_least_float32(tensor: Tensor) -> Tensor:
    """The tensor in float32, or as it is where it is already more precise."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


class Prediction(ABC):
    """An answer, and what the data say it should have been."""

    __slots__ = ()

    chance: Tensor | float | None
    """The loss of someone who knows only the prior; None where that means nothing."""

    @abstractmethod
    def loss(self) -> Tensor:
        """What is learnt from; 0, with a graph, when there is no row."""

    def hard_loss(self) -> Tensor:
        """The loss against what the data say, teacher or not."""
        return self.loss()

    def metrics(self) -> Mapping[str, Tensor]:
        """What else is worth logging, each a number on the device."""
        return {}


class Tempered(Prediction):
    """A prediction whose target a teacher can temper."""

    __slots__ = ()

    @abstractmethod
    def soften(self, teacher: Prediction, alpha: float) -> Tempered:
        """The same with a target that is `alpha` the teacher's answer to the same question."""


@dataclass(frozen=True, slots=True)
class Choice(Tempered):
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

    def metrics(self) -> Mapping[str, Tensor]:
        """Accuracy, rows, and how many of them stand for nothing."""
        rows = self.logits.new_full((), len(self.logits))
        return {"accuracy": self.accuracy(), "skipped": self.skipped(), "rows": rows}

    def soften(self, teacher: Prediction, alpha: float) -> Choice:
        """Temper the targets with the teacher's answer to the same question:
        `(1 - alpha) answers + alpha softmax(teacher)` (paper eq. 6 and 7).
        """
        assert isinstance(teacher, Choice)
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
        return weighted_mean(rows, self.weight)


@dataclass(frozen=True, slots=True)
class Estimate(Tempered):
    """A vector for each of R rows, judged by its squared distance from the target.

    Args:
        values: `(R, D)`.
        targets: `(R, D)`: what the data say.
        chance: the loss of someone who always says the mean.
        weight: `(R,)`, 0 where a row stands for nothing; None: all 1.
        advice: `(R, D)`, targets tempered by a teacher, or None.
    """

    values: Tensor
    targets: Tensor
    chance: Tensor | float | None = None
    weight: Tensor | None = None
    advice: Tensor | None = None

    def loss(self) -> Tensor:
        """Mean squared error against the tempered targets, over rows and D."""
        return self._error(self.targets if self.advice is None else self.advice)

    def hard_loss(self) -> Tensor:
        """Mean squared error against what the data say."""
        return self._error(self.targets)

    def soften(self, teacher: Prediction, alpha: float) -> Estimate:
        """Move the targets towards the teacher's answer."""
        assert isinstance(teacher, Estimate)
        return replace(self, advice=torch.lerp(self.targets, teacher.values.detach(), alpha))

    def _error(self, targets: Tensor) -> Tensor:
        values = at_least_float32(self.values)
        rows = F.mse_loss(values, targets.to(values.dtype), reduction="none").mean(1)
        return weighted_mean(rows, self.weight)


@dataclass(frozen=True, slots=True)
class Penalty(Prediction):
    """A price for each of R rows, to be made small: what is no answer to any question.

    Args:
        rows: `(R,)`.
        weight: `(R,)`, what each counts; rows of negative weight are to become dear. The sum is
            divided by that of the weights' sizes; None: all 1.
    """

    rows: Tensor
    weight: Tensor | None = None
    chance: ClassVar[None] = None

    def loss(self) -> Tensor:
        """The weighted mean price; 0 when there is no row."""
        return weighted_mean(at_least_float32(self.rows), self.weight)


def weighted_mean(rows: Tensor, weight: Tensor | None) -> Tensor:
    """The mean of `(R,)` rows by weight; 0 when there is none."""
    if weight is None:
        return rows.sum() / max(1, len(rows))
    return (rows * weight).sum() / weight.abs().sum().clamp(min=1.0)
