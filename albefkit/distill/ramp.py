"""A linear ramp."""

from __future__ import annotations

from albefkit.distill.schedules import Schedule
from albefkit.progress import Progress


class Ramp(Schedule):
    """A straight line, then flat: how the weight of the teacher's word grows (spec 2.3).

    Args:
        to: the value at the end of the ramp and ever after.
        start: the value at the first step.
        epochs: length of the ramp in passes over the training split, more than 0.
    """

    def __init__(self, *, to: float, start: float = 0.0, epochs: float = 1.0) -> None:
        if epochs <= 0:
            raise ValueError(f"a ramp needs a length: epochs is {epochs}, expected more than 0")
        self.to = to
        self.start = start
        self.epochs = epochs

    def __call__(self, progress: Progress) -> float:
        """The value now."""
        done = progress.step / (self.epochs * progress.steps_per_epoch)
        return self.start + (self.to - self.start) * min(1.0, done)
