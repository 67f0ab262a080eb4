"""Where training stands: what schedules read."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A point in training.

    Args:
        step: optimizer steps done, from 0.
        steps_per_epoch: optimizer steps in one pass over the training split, at least 1.
        epochs: passes planned, at least 1.
        steps: optimizer steps planned, instead of whole passes, or None.
        max_steps: training ends after so many steps even if more are planned, or None.
        seed: the run's seed.
        rank: this process, from 0.
        micro_step: the part of an accumulated step, from 0.
    """

    step: int
    steps_per_epoch: int
    epochs: int
    seed: int = 42
    rank: int = 0
    micro_step: int = 0
    steps: int | None = None
    max_steps: int | None = None

    @property
    def planned_steps(self) -> int:
        """Optimizer steps that the recipe plans, at least 1."""
        return self.steps or self.steps_per_epoch * self.epochs

    @property
    def planned_epochs(self) -> int:
        """Passes that the plan begins, at least 1."""
        return math.ceil(self.planned_steps / self.steps_per_epoch)

    @property
    def total_steps(self) -> int:
        """Optimizer steps until training ends, at least 1."""
        return min(self.max_steps or self.planned_steps, self.planned_steps)

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.step // self.steps_per_epoch

    @property
    def iteration(self) -> int:
        """Steps done inside the current epoch."""
        return self.step % self.steps_per_epoch

    @property
    def fraction(self) -> float:
        """Share of the planned training that is done, 0 to 1."""
        return min(1.0, self.step / self.total_steps)
