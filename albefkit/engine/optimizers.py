"""Optimizers: how gradients move weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar

from torch import nn
from torch.optim import Optimizer

from albefkit.progress import Progress
from albefkit.registry import Registrable


class OptimizerRecipe(Registrable, ABC, kind="optimizer"):
    """Builds a torch optimizer and says which learning rate is in force when."""

    moves_weights_singly: ClassVar[bool] = False
    """Whether what becomes of a weight depends on its own gradients alone, and a step in which only
    some weights have one leaves the others as if it had not been."""

    lr: Callable[[Progress], float]
    """The learning rate of the optimizer step that a progress is about to take."""

    @abstractmethod
    def build(self, named_parameters: Iterable[tuple[str, nn.Parameter]]) -> Optimizer:
        """The optimizer of the parameters that take a gradient; names decide their treatment."""

    def prepare(self, optimizer: Optimizer, progress: Progress) -> float:
        """Set the learning rate of the coming step and return it."""
        rate = self.lr(progress)
        for group in optimizer.param_groups:
            group["lr"] = rate
        return rate

    def caveats(self, progress: Progress) -> list[str]:
        """What a user should know about a run of this shape, in sentences."""
        return []
