"""Weights that move as soon as their gradients are there, so that few gradients exist at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor
from torch.optim import Optimizer

from albefkit.distributed import World
from albefkit.engine.optimizers import OptimizerRecipe
from albefkit.engine.precision import Precision
from albefkit.recipe.grammar import TrainSection
from albefkit.registry.errors import AlbefkitWarning

GATHERED = 16 * 2**20
"""Bytes of gradients that wait for each other: every update goes through all weights' names."""


class EarlyUpdates:
    """Lets an optimizer work on the way back.

    What a weight becomes depends on its own gradient alone, so the numbers are those of an update
    at the end.

    Args:
        optimizer: moves the weights.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._active, self._gathered = False, 0
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.register_post_accumulate_grad_hook(self._arrived)

    @contextmanager
    def active(self) -> Iterator[None]:
        """On a way back in here weights move: a gradient may be wanted for something else."""
        self._active = True
        try:
            yield
        finally:
            self._active = False

    def _arrived(self, weight: Tensor) -> None:
        if not self._active or weight.grad is None:
            return
        self._gathered += weight.grad.nbytes
        if self._gathered >= GATHERED:
            self._gathered = 0
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)


def early_updates(
    optimizer: Optimizer,
    recipe: OptimizerRecipe,
    settings: TrainSection,
    precision: Precision,
    world: World,
) -> EarlyUpdates | None:
    """Early updates where a recipe asks for them; where they cannot be, a warning says why."""
    if not settings.update_early:
        return None
    reasons = {
        "train.clip_norm wants the length of the whole gradient": settings.clip_norm is not None,
        "train.accumulate adds gradients up": settings.accumulate > 1,
        "fp16 wants to know first that nothing overflowed": precision.scaler().is_enabled(),
        "several processes exchange all gradients first": world.size > 1,
        f"{type(recipe).__name__} does not say that it moves each weight by itself": (
            not recipe.moves_weights_singly
        ),
    }
    found = [reason for reason, applies in reasons.items() if applies]
    if not found:
        return EarlyUpdates(optimizer)
    message = f"train.update_early: all gradients are kept, for {' and '.join(found)}."
    warnings.warn(AlbefkitWarning(message), stacklevel=2)
    return None
