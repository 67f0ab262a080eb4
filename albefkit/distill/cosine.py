"""A warm-up, then a cosine, step by step."""

from __future__ import annotations

import math

from albefkit.distill.schedules import Schedule
from albefkit.progress import Progress


class Cosine(Schedule):
    """A straight line up to the peak, then half a cosine down to the end, moving every step.

    The warm-up is never longer than training, however short that is.

    Args:
        peak: the highest value, reached by the last step of the warm-up.
        end: the value of the last step.
        start: where the warm-up sets out from; its first step is already above it.
        warmup: length of the warm-up: below 1 a share of training, from 1 on a number of steps.
    """

    def __init__(
        self, *, peak: float, end: float = 0.0, start: float = 0.0, warmup: float = 0.05
    ) -> None:
        if warmup < 0:
            raise ValueError(f"warmup is {warmup}, expected 0 or more")
        self.peak = peak
        self.end = end
        self.start = start
        self.warmup = warmup

    def __call__(self, progress: Progress) -> float:
        """The value now."""
        total = progress.total_steps
        wanted = self.warmup * total if self.warmup < 1 else self.warmup
        warmup = min(round(wanted), total)
        done = min(progress.step, total - 1) + 1
        if done <= warmup:
            return self.start + (self.peak - self.start) * done / warmup
        turn = math.pi * (done - warmup) / (total - warmup)
        return self.end + (self.peak - self.end) * (1 + math.cos(turn)) / 2
