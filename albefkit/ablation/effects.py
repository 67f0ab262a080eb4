"""How much a change did, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """The difference between two systems that were asked the same, in the metric's own unit.

    Args:
        difference: ours minus theirs, mean over seeds.
        low: lower end of the 95 % interval.
        high: its upper end.
        p: of the paired test that there is no difference, two-sided.
        p_adjusted: the same after Holm's correction for everything tested in one table.
        seeds: how many there were; with one, the interval knows nothing of other seeds.
        items: how many independent items.
    """

    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    seeds: int
    items: int

    @property
    def clear(self) -> bool:
        """Whether it stands out of the noise at 5 %, after the correction."""
        return self.p_adjusted < 0.05
