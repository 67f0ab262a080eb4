"""A schedule that does not change."""

from __future__ import annotations

from albefkit.distill.schedules import Schedule
from albefkit.progress import Progress


class Constant(Schedule):
    """The same value throughout; what a bare number in a recipe means.

    Args:
        value: the number.
    """

    def __init__(self, *, value: float) -> None:
        self.value = value

    def __call__(self, progress: Progress) -> float:
        """The value now."""
        return self.value
