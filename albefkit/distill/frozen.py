"""A teacher that stays what it was."""

from __future__ import annotations

from albefkit.distill.teacher import Teacher
from albefkit.network import Network
from albefkit.progress import Progress


class Frozen(Teacher):
    """The student as it was at the start, for students that start from trained weights.

    Args:
        dropout: keep the teacher's dropout on while the student trains.
    """

    def update(self, student: Network, progress: Progress) -> None:
        """Nothing: that is the point."""
