"""The released code's learning rate, stairs and all."""

from __future__ import annotations

import math

from albefkit.distill.schedules import Schedule
from albefkit.progress import Progress


class Staircase(Schedule):
    """A warm-up in stairs inside the first epoch, then a cosine that moves once per epoch.

    What the released scripts do (spec 8): the warm-up is cut off where the first epoch is shorter
    than it, and `end` is approached but never used. `cosine` is the sound choice.

    Args:
        peak: the value after the warm-up.
        end: what the cosine tends to.
        warmup_from: the value of the first stair.
        warmup_stages: number of stairs below the peak; 0: no warm-up.
        stage_steps: length of a stair in optimizer steps, at least 1.
    """

    def __init__(
        self,
        *,
        peak: float,
        end: float = 0.0,
        warmup_from: float = 0.0,
        warmup_stages: int = 20,
        stage_steps: int = 100,
    ) -> None:
        if warmup_stages < 0:
            raise ValueError(f"warmup_stages is {warmup_stages}, expected 0 or more")
        if stage_steps < 1:
            raise ValueError(f"stage_steps is {stage_steps}, expected 1 or more")
        self.peak = peak
        self.end = end
        self.warmup_from = warmup_from
        self.warmup_stages = warmup_stages
        self.stage_steps = stage_steps

    def __call__(self, progress: Progress) -> float:
        """The value now."""
        if progress.epoch == 0:
            # The released loop moves to stair n after step n * 100: that step itself is one below.
            stage = max(0, progress.iteration - 1) // self.stage_steps
            if stage >= self.warmup_stages:
                return self.peak
            rise = self.peak - self.warmup_from
            return self.warmup_from + stage * rise / self.warmup_stages
        turn = math.pi * progress.epoch / progress.planned_epochs
        return self.end + (self.peak - self.end) * (1 + math.cos(turn)) / 2

    def caveat(self, progress: Progress) -> str | None:
        """A warm-up that does not fit into the first epoch jumps to the peak."""
        length = self.warmup_stages * self.stage_steps
        available = min(progress.steps_per_epoch, progress.total_steps)
        if length < available:
            return None
        return (
            f"the warm-up takes {length} steps, but the first epoch (or training) ends after "
            f"{available} and cuts it off. Use 'type: cosine', whose warm-up fits any length, or "
            "fewer warmup_stages."
        )
