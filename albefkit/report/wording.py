"""Figures, differences and their uncertainty in words that need no legend."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection

from albefkit.ablation.effects import Effect
from albefkit.ablation.study import Row, Study
from albefkit.report.telling import decimals_of, short_names

NONE = "\N{EN DASH}"
"""Stands where there is no figure."""

MINUS = "\N{MINUS SIGN}"

SILENCE = "it did not say why"

CAUSE = 160
"""Characters of a failure that a table has room for."""


def number(value: float, decimals: int) -> str:
    """With a true minus sign, and without one before zero."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if not float(text) else text.replace("-", MINUS)


def signed(value: float, decimals: int) -> str:
    """A difference, as `+1.2`."""
    text = number(value, decimals)
    return f"+{text}" if value > 0 and float(f"{value:.{decimals}f}") else text


def mean_and_spread(values: Collection[float], decimals: int) -> str:
    """Mean and standard deviation over seeds."""
    if not values:
        return NONE
    mean = number(statistics.fmean(values), decimals)
    spread = deviation(values)
    return mean if spread is None else f"{mean} ± {number(spread, decimals)}"


def deviation(values: Collection[float]) -> float | None:
    """Standard deviation over seeds, of a sample; None for one seed."""
    if len(values) < 2:
        return None
    # statistics.stdev refuses what is not finite, and a run that diverged may well report it.
    return statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan


def interval(effect: Effect, decimals: int) -> str:
    """The 95 % interval, from where to where."""
    return f"{signed(effect.low, decimals)} to {signed(effect.high, decimals)}"


def p_value(p: float) -> str:
    """To three decimals."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def verdict(effect: Effect) -> str:
    """Whether a difference stands out of the noise, in a few words."""
    if not effect.clear:
        return "inside the noise"
    return "clear" if effect.seeds > 1 else "clear for this seed"


def cause(reason: str) -> str:
    """Why there is no figure, in a line: of a traceback, the end."""
    lines = [line.strip() for line in reason.splitlines() if line.strip()] or [SILENCE]
    traceback = any(line.startswith('File "') for line in lines)
    text = lines[-1] if traceback else " ".join(lines)
    return text if len(text) <= CAUSE else f"{text[: CAUSE - 1].rstrip()}…"


def missing(row: Row, study: Study) -> str:
    """How many seeds have no figure, and why; empty where all have."""
    if not row.failures:
        return ""
    causes = "; ".join(dict.fromkeys(cause(reason) for reason in row.failures.values()))
    return f"{seeds_lost(row, study)} of {seeds_in_words(len(study.seeds))}: {causes}"


def seeds_lost(row: Row, study: Study) -> int:
    """How many seeds have no figure: all of them where the recipe could not even be built."""
    if not row.failures:
        return 0
    return sum(seed in row.failures for seed in study.seeds) or len(study.seeds)


def finding(row: Row, study: Study) -> str:
    """What a row says about what it changes, in a sentence."""
    effect = row.effects.get(study.headline)
    if effect is None:
        return f"{_subject(row, study)}: {_without_effect(row, study)}."
    decimals = decimals_of(study, study.headline)
    metric = short_names(study)[study.headline]
    change = f"{metric} changes by {signed(effect.difference, decimals)} points"
    if not float(f"{effect.difference:.{decimals}f}"):
        change = f"{metric} does not change"
    sure = f"95 % {interval(effect, decimals)}"
    return f"{_subject(row, study)}, {change} ({sure}): {_how_sure(effect)}."


def seeds_in_words(count: int) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count} seed" if count == 1 else f"{count} seeds"


def _subject(row: Row, study: Study) -> str:
    """`Without mod`, `With wpa`, `From full to fusion: joint`."""
    first = next(each.name for each in study.rows if each.group == row.group)
    if row.reference is None:
        return row.name
    parts = row.name.split(", ")
    if row.reference == first and all(part.startswith("no ") for part in parts):
        return f"Without {' and '.join(part.removeprefix('no ') for part in parts)}"
    if row.reference == first and row.name.startswith("with "):
        return f"With {row.name.removeprefix('with ')}"
    return f"From {row.reference} to {row.name}"


def _how_sure(effect: Effect) -> str:
    p = p_value(effect.p_adjusted)
    if effect.clear and effect.seeds > 1:
        return f"clear of the noise of {effect.seeds} seeds (p {p})"
    if effect.clear:
        return f"clear of the noise of {effect.items} test items (p {p}), with one seed only"
    if effect.low > 0 or effect.high < 0:
        return f"inside the noise once corrected for all rows compared (p {p})"
    if effect.seeds > 1:
        return f"inside the noise of {effect.seeds} seeds"
    return f"inside the noise of {effect.items} test items, with one seed only"


def _without_effect(row: Row, study: Study) -> str:
    if not row.metrics:
        return f"no comparison, failed in {missing(row, study)}".rstrip(".")
    return "no comparison, as the two have no seed and no test items in common"
