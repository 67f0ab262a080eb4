"""The headline over the points of a sweep, and what each edit does there."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes

from albefkit.ablation.study import Row, Study
from albefkit.report.styles import Style, row_styles
from albefkit.report.svg import Frame, Picture, colour, draw, label
from albefkit.report.telling import short_names
from albefkit.report.wording import finding, mean_and_spread

PANEL = Frame(420, 280)

CLOSE = 0.05
"""Of the axis: numbers closer than that have no room for their names."""

APART = 0.035
"""Between the intervals of one point, as a share of the axis."""


def sweep_plots(study: Study) -> list[Picture]:
    """The metric's curve, and the differences' curve; nothing without a sweep of several points."""
    groups = list(dict.fromkeys(row.group for row in study.rows))
    with_figures = [row for row in study.rows if study.headline in row.metrics]
    if len({row.group for row in with_figures}) < 2:
        return []
    pictures = [_values(study, groups, with_figures)]
    compared = [row for row in with_figures if study.headline in row.effects]
    return [*pictures, _gains(study, groups, compared)] if compared else pictures


def is_stepwise(study: Study) -> bool:
    """Whether some row is compared with another one than the first of its group."""
    firsts = {row.group: row.name for row in reversed(study.rows)}
    return any(row.reference not in (None, firsts[row.group]) for row in study.rows)


def _values(study: Study, groups: Sequence[str], rows: Sequence[Row]) -> Picture:
    metric, places = short_names(study)[study.headline], _places(groups)
    told = [
        f"{row.name} at {row.group} {mean_and_spread(row.metrics[study.headline].values(), 1)}"
        for row in rows
    ]

    def paint(axes: Axes) -> None:
        axes.set_title(metric)
        for name, style in row_styles(study).items():
            here = _in_order(rows, name, places)
            _curve(axes, here, [places[row.group] for row in here], study.headline, style)
        _name_points(axes, study, places)

    about = f"{metric} over the sweep: {', '.join(told)}."
    return draw("sweep-values", f"{metric} at each point of the sweep", about, PANEL, paint)


def _curve(
    axes: Axes, rows: Sequence[Row], places: Sequence[float], metric: str, style: Style
) -> None:
    values = [list(row.metrics[metric].values()) for row in rows]
    means = [statistics.fmean(each) for each in values]
    lows, highs = [min(each) for each in values], [max(each) for each in values]
    axes.fill_between(places, lows, highs, color=style.colour, alpha=0.16, linewidth=0)
    axes.plot(
        places,
        means,
        color=style.colour,
        linestyle=style.line,
        linewidth=1.8,
        marker=style.marker,
        markersize=6,
    )


def _gains(study: Study, groups: Sequence[str], rows: Sequence[Row]) -> Picture:
    """What a part buys: the full recipe minus the one without it; of a ladder, what a step does."""
    stepwise = is_stepwise(study)
    metric, places = short_names(study)[study.headline], _places(groups)
    names = list(dict.fromkeys(row.name for row in rows))
    span = (max(places.values()) - min(places.values())) * APART
    first = study.rows[0].name
    difference = "row minus the one before" if stepwise else f"{label(first)} minus row"

    def paint(axes: Axes) -> None:
        axes.set_title(f"{metric}: {difference}")
        axes.axhline(0, color=colour("muted"), linewidth=1.4)
        for number, name in enumerate(names):
            here = _in_order(rows, name, places)
            shift = (number - (len(names) - 1) / 2) * span
            at = [places[row.group] + shift for row in here]
            _intervals(axes, here, at, study, 1 if stepwise else -1)
        _name_points(axes, study, places)

    about = " ".join(f"At {row.group}: {finding(row, study)}" for row in rows)
    title = f"Difference in {metric} at each point of the sweep, {difference}"
    return draw("sweep-gains", title, about, PANEL, paint)


def _intervals(
    axes: Axes, rows: Sequence[Row], places: Sequence[float], study: Study, sign: int
) -> None:
    style = row_styles(study)[rows[0].name]
    effects = [row.effects[study.headline] for row in rows]
    values = [sign * effect.difference for effect in effects]
    axes.plot(places, values, color=style.colour, linestyle=style.line, linewidth=1.2)
    for place, value, effect in zip(places, values, effects, strict=True):
        ends = [sign * effect.low, sign * effect.high]
        axes.plot([place, place], ends, color=style.colour, linewidth=3 if effect.clear else 1.3)
        axes.plot(
            [place],
            [value],
            color=style.colour,
            marker=style.marker,
            markersize=7,
            markeredgecolor=style.colour,
            markeredgewidth=1.6,
            markerfacecolor=style.colour if effect.clear else colour("paper"),
        )


def _places(groups: Sequence[str]) -> dict[str, float]:
    """Numbers where they are, if there is room between them; anything else side by side."""
    beside = {group: float(place) for place, group in enumerate(groups)}
    try:
        found = {group: float(_value(group)) for group in groups}
    except ValueError:
        return beside
    ordered = sorted(found.values())
    gaps = [after - before for before, after in pairwise(ordered)]
    span = ordered[-1] - ordered[0]
    return found if math.isfinite(span) and min(gaps) > CLOSE * span else beside


def _in_order(rows: Sequence[Row], name: str, places: dict[str, float]) -> list[Row]:
    return sorted((row for row in rows if row.name == name), key=lambda row: places[row.group])


def _value(group: str) -> str:
    return group.partition(": ")[2] or group


def _name_points(axes: Axes, study: Study, places: dict[str, float]) -> None:
    axes.set_xticks(list(places.values()), [label(_value(group)) for group in places])
    axes.set_xlabel(label(study.sweep or ""))
    axes.grid(axis="y")
    axes.margins(x=0.08)
