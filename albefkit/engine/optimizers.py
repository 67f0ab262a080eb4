"""Optimizers: how gradients move weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from torch import nn
from torch.optim import Optimizer

from albefkit.progress import Progress
from albefkit.registry import Registrable


class OptimizerRecipe(Registrable, ABC, kind="optimizer"):
    """Builds a torch optimizer and says which learning rate is in force when."""

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
