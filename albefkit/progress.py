"""Where training stands: what schedules read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A point in training.

    Args:
        step: optimizer steps done, from 0.
        steps_per_epoch: optimizer steps in one pass over the training split, at least 1.
        epochs: passes planned, at least 1.
        max_steps: training ends after so many steps even if passes are left, or None.
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
    max_steps: int | None = None

    @property
    def total_steps(self) -> int:
        """Optimizer steps planned, at least 1."""
        planned = self.steps_per_epoch * self.epochs
        return planned if self.max_steps is None else max(1, min(self.max_steps, planned))

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
