"""Yes or no about each of many candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from albefkit.predictions import Prediction, Tempered, at_least_float32, weighted_mean
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Verdict(Tempered):
    """Yes or no about each of C candidates for each of R rows, judged by binary cross-entropy.

    Binary cross-entropy is linear in its target, as cross-entropy is: what tempers a choice tempers
    a verdict.

    Args:
        logits: `(R, C)`, the log-odds of yes; a very negative number where nothing is asked.
        answers: `(R, C)` float, 1 where the data say yes, 0 elsewhere.
        chance: the loss of someone who knows only how often the answer is yes (nats).
        advice: `(R, C)`, targets tempered by a teacher, or None.
    """

    logits: Tensor
    answers: Tensor
    chance: Tensor | float
    advice: Tensor | None = None

    def loss(self) -> Tensor:
        """The sum over candidates, its mean over rows, against the tempered targets."""
        return self._cross_entropy(self.answers if self.advice is None else self.advice)

    def hard_loss(self) -> Tensor:
        """The same against what the data say, teacher or not."""
        return self._cross_entropy(self.answers)

    def accuracy(self) -> Tensor:
        """Share of rows whose likeliest candidate is one that the data say yes to."""
        likeliest = self.logits.argmax(1, keepdim=True)
        return weighted_mean(self.answers.gather(1, likeliest)[:, 0], None)

    def metrics(self) -> Mapping[str, Tensor]:
        """Accuracy, as a choice among the candidates would have it."""
        return {"accuracy": self.accuracy()}

    def soften(self, teacher: Prediction, alpha: float) -> Verdict:
        """Temper the targets with the teacher's answer to the same question:
        `(1 - alpha) answers + alpha sigmoid(teacher)`.
        """
        assert isinstance(teacher, Verdict)
        word = at_least_float32(teacher.logits.detach()).sigmoid()
        return replace(self, advice=torch.lerp(self.answers.to(word), word, alpha))

    def _cross_entropy(self, targets: Tensor) -> Tensor:
        logits = at_least_float32(self.logits)
        each = F.binary_cross_entropy_with_logits(logits, targets.to(logits), reduction="none")
        return weighted_mean(each.sum(1), None)
