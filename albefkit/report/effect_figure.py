"""Differences to the reference with their intervals, one line for each row."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from rich.cells import cell_len

from albefkit.ablation.study import Row, Study
from albefkit.report.svg import Frame, Picture, colour, draw, label
from albefkit.report.table import single_reference
from albefkit.report.telling import decimals_of, short_names
from albefkit.report.wording import finding, interval, signed

WIDTH = 760
LINE = 27
PER_CHARACTER = 7.2


def effect_plot(study: Study, name: str) -> Picture | None:
    """The headline's differences; None where nothing was compared.

    Args:
        study: what was found.
        name: of the figure, for its ids.
    """
    rows = [row for row in study.rows if _drawable(row, study.headline)]
    if not rows:
        return None
    lines = _lines(rows)
    longest = max(cell_len(label(text)) for text, _ in lines)
    texts = [_figures(row, study) for row in rows]
    frame = Frame(
        WIDTH,
        LINE * len(lines) + 58,
        left=round(longest * PER_CHARACTER) + 24,
        right=round(max(map(len, texts)) * PER_CHARACTER) + 10,
        top=8,
        bottom=50,
    )
    metric = short_names(study)[study.headline]
    about = " ".join(finding(row, study) for row in rows)
    reference = single_reference(study) or "the row it is compared with"

    def paint(axes: Axes) -> None:
        _set_limits(axes, rows, study.headline, len(lines))
        axes.set_xlabel(f"change in {metric} from {label(reference)}, with 95 % interval")
        for place, (text, row) in enumerate(lines):
            if row is None:
                _name(axes, place, text, 4 - frame.left, "left", "muted")
            else:
                _name(axes, place, text, -12, "right", "ink")
                _interval(axes, place, row, study)

    return draw(name, f"Change in {metric} of each row", about, frame, paint)


def _drawable(row: Row, metric: str) -> bool:
    effect = row.effects.get(metric)
    return effect is not None and all(
        map(math.isfinite, (effect.low, effect.difference, effect.high))
    )


def _lines(rows: Sequence[Row]) -> list[tuple[str, Row | None]]:
    """Names of rows, below the names of their groups."""
    lines: list[tuple[str, Row | None]] = []
    for number, row in enumerate(rows):
        if row.group and (number == 0 or rows[number - 1].group != row.group):
            lines.append((row.group, None))
        lines.append((row.name, row))
    return lines


def _figures(row: Row, study: Study) -> str:
    effect, decimals = row.effects[study.headline], decimals_of(study, study.headline)
    return f"{signed(effect.difference, decimals)}  ({interval(effect, decimals)})"


def _set_limits(axes: Axes, rows: Sequence[Row], metric: str, lines: int) -> None:
    ends = [
        0.0,
        *(end for row in rows for end in (row.effects[metric].low, row.effects[metric].high)),
    ]
    room = 0.06 * (max(ends) - min(ends)) or 1.0
    axes.set_xlim(min(ends) - room, max(ends) + room)
    axes.set_ylim(lines - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.axvline(0, color=colour("muted"), linewidth=1.4)


def _name(axes: Axes, place: int, text: str, offset: int, side: str, ink: str) -> None:
    axes.annotate(
        label(text),
        (0, place),
        (offset, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=12,
        color=colour(ink),
    )


def _interval(axes: Axes, place: int, row: Row, study: Study) -> None:
    """Filled and heavy where it is clear, hollow and light where it is in the noise."""
    effect = row.effects[study.headline]
    paint = colour("accent" if effect.clear else "muted")
    axes.plot(
        [effect.low, effect.high],
        [place, place],
        color=paint,
        linewidth=3.2 if effect.clear else 1.4,
        solid_capstyle="butt",
        marker="|",
        markersize=9,
    )
    axes.plot(
        [effect.difference],
        [place],
        color=paint,
        marker="o",
        markersize=9,
        markeredgecolor=paint,
        markeredgewidth=1.8,
        markerfacecolor=paint if effect.clear else colour("paper"),
    )
    axes.annotate(
        _figures(row, study),
        (1, place),
        (8, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        fontweight="bold" if effect.clear else "normal",
        color=colour("ink" if effect.clear else "muted"),
    )
