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
        return min(1.0, self.step / (self.steps_per_epoch * self.epochs))
