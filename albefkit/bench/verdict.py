"""What a race came to: for machines and for people."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from albefkit.bench.growth import Point, exponents
from albefkit.bench.race import Timing
from albefkit.quantities import amount, duration, size


@dataclass(frozen=True)
class Verdict:
    """One contender, or two of which the second is the yardstick.

    Args:
        timings: of the contenders.
        ceilings: precision -> floating-point operations per second of a matrix product here.
    """

    timings: Sequence[Timing]
    ceilings: dict[str, float]

    @property
    def ratio(self) -> float | None:
        """How many times as fast the first is as the second, by their medians."""
        if len(self.timings) < 2:
            return None
        ours, theirs = (statistics.median(timing.seconds) for timing in self.timings[:2])
        return theirs / ours

    def round_ratios(self) -> list[float]:
        """The same round by round, sorted: how far what else happened here reaches."""
        ours, theirs = (timing.seconds for timing in self.timings[:2])
        return sorted(their / our for our, their in zip(ours, theirs, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Figures of the first contender; those of the second under `against`."""
        first, *others = (self._figures(timing) for timing in self.timings)
        return {"ratio": self.ratio, **first, "against": others[0] if others else None}

    def table(self) -> Table:
        """Phases line by line, the contenders side by side."""
        table = Table()
        table.add_column("medians")
        for timing in self.timings:
            table.add_column(timing.name, justify="right")
        figures = [self._figures(timing) for timing in self.timings]
        for phase in dict.fromkeys(name for each in figures for name in each["phases_ms"]):
            table.add_row(phase, *(_milliseconds(each["phases_ms"].get(phase)) for each in figures))
        table.add_section()
        table.add_row("in all", *(duration(each["seconds"]) for each in figures))
        rates = (f"{each['samples_per_second']:.4g}" for each in figures)
        table.add_row("samples per second", *rates)
        table.add_row("most memory", *(size(each["peak_memory_bytes"]) for each in figures))
        table.add_row("operations", *(amount(each["flops"]) for each in figures))
        table.add_row("numbers", *(each["precision"] for each in figures))
        shares = (f"{each['utilisation']:.0%}" for each in figures)
        table.add_row("of the ceiling", *shares)
        return table

    def words(self) -> list[str]:
        """What a table does not say."""
        said = [
            f"the ceiling, a matrix product in {precision}: {amount(rate)}FLOP/s"
            for precision, rate in self.ceilings.items()
        ]
        if self.ratio is not None:
            ratios, names = self.round_ratios(), [timing.name for timing in self.timings]
            said.append(
                f"{names[0]} is {self.ratio:.2f} times as fast as {names[1]} "
                f"(medians of {len(ratios)} rounds in turn; "
                f"by round {ratios[0]:.2f} to {ratios[-1]:.2f})"
            )
        return said

    def _figures(self, timing: Timing) -> dict[str, Any]:
        seconds = statistics.median(timing.seconds)
        return {
            "name": timing.name,
            "precision": timing.precision,
            "seconds": seconds,
            "samples_per_second": timing.samples / seconds,
            "phases_ms": {
                phase: 1000 * statistics.median(turn.get(phase, 0.0) for turn in timing.phases)
                for phase in dict.fromkeys(name for turn in timing.phases for name in turn)
            },
            "peak_memory_bytes": timing.peak_memory,
            "flops": timing.flops,
            "utilisation": timing.flops / seconds / self.ceilings[timing.precision],
        }


def _milliseconds(number: float | None) -> str:
    return "" if number is None else f"{number:.1f} ms"


def growth_table(points: Sequence[Point]) -> Table:
    """The cost of a step at each size, and how fast it grows."""
    table = Table()
    for heading in ("what grows", "to", "a step", "operations", "exponent", "of operations"):
        table.add_column(heading, justify="left" if heading == "what grows" else "right")
    for axis in dict.fromkeys(point.axis for point in points):
        here = [point for point in points if point.axis == axis]
        measured, counted = exponents(here)
        for number, point in enumerate(here):
            last = number == len(here) - 1
            slopes = (f"{measured:.2f}", f"{counted:.2f}") if last else ("", "")
            cost = duration(point.seconds), amount(point.flops)
            table.add_row(axis if number == 0 else "", str(point.size), *cost, *slopes)
        table.add_section()
    return table
