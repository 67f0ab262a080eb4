"""Schedules: numbers that change as training goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from albefkit.progress import Progress
from albefkit.registry import Registrable


class Schedule(Registrable, ABC, kind="schedule"):
    """A number as a function of progress; a bare number in a recipe is a constant one."""

    shorthand: ClassVar[str | None] = "constant.value"

    @abstractmethod
    def __call__(self, progress: Progress) -> float:
        """The value in force during the optimizer step that `progress` is about to take."""

    def caveat(self, progress: Progress) -> str | None:
        """What a user should know about this schedule in a run of this shape, in a sentence."""
        return None
