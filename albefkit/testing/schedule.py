"""The contract of schedules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from albefkit.progress import Progress
from albefkit.testing.contract import contract, expect
from albefkit.testing.trial import Trial
from albefkit.testing.watching import GENERATORS, changed

READ = "albefkit.distill.schedules:Schedule"


@dataclass(frozen=True)
class ScheduleTrial(Trial):
    """A schedule on trial, as that of the learning rate."""

    place = "optimizer.lr"
    company = {"objectives": {"itc": {}}}  # noqa: RUF012

    def exercise(self) -> None:
        """Ask for a value."""
        self.build()(Progress(1, 4, 2))

    def values(self, moments: list[Progress]) -> list[Any]:
        """What a new one says at some moments, in that order."""
        schedule = self.build()
        return [schedule(progress) for progress in moments]


def moments() -> Iterator[Progress]:
    """Points of runs of every length, the shortest included, and a little beyond their ends."""
    for steps_per_epoch, epochs in ((1, 1), (3, 2), (7, 1), (500, 3)):
        total = steps_per_epoch * epochs
        for step in sorted({0, 1, 2, total // 2, total - 1, total, total + 1}):
            yield Progress(step, steps_per_epoch, epochs)
            yield Progress(step, steps_per_epoch, epochs, max_steps=2)
            yield Progress(step, steps_per_epoch, epochs, steps=5)


@contract(READ)
def is_a_finite_float_throughout(trial: ScheduleTrial) -> None:
    """A schedule is a finite float at every point of a run of any length."""
    asked = list(moments())
    for progress, value in zip(asked, trial.values(asked), strict=True):
        right = isinstance(value, (int, float)) and not isinstance(value, bool)
        expect(right, f"a {type(value).__name__} at {progress}")
        expect(math.isfinite(value), f"{value} at {progress}")


@contract(READ)
def is_a_function_of_progress(trial: ScheduleTrial) -> None:
    """The same progress gives the same number, whatever was asked before: a resumed run goes on as
    if nothing had happened.
    """
    asked = list(moments())
    forwards, backwards = trial.values(asked), trial.values(asked[::-1])[::-1]
    for progress, one, other in zip(asked, forwards, backwards, strict=True):
        expect(one == other, f"{one} and, asked in another order, {other} at {progress}")
    again = [trial.values([progress, progress]) for progress in asked[:6]]
    for one, other in again:
        expect(one == other, f"{one} and, asked twice, {other}")


@contract(READ)
def draws_no_random_numbers(trial: ScheduleTrial) -> None:
    """Nothing about a schedule is left to chance."""
    asked = list(moments())
    found = changed(GENERATORS, lambda: trial.values(asked))
    expect(not found, f"{' and '.join(found)} has moved")


CONTRACTS = (is_a_finite_float_throughout, is_a_function_of_progress, draws_no_random_numbers)
