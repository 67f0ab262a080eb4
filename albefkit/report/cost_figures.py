"""Quality beside cost: what is better, and what is only slower."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from albefkit.ablation.study import Expense, Row, Study
from albefkit.quantities import amount
from albefkit.report.styles import row_styles
from albefkit.report.svg import Frame, Picture, draw, label
from albefkit.report.telling import short_names

PANEL = Frame(420, 260)

COSTS: dict[str, Callable[[Expense], float | None]] = {
    "minutes of training": lambda expense: expense.minutes,
    "FLOPs per sample of a training step": lambda expense: expense.flops_per_sample,
}


def cost_plots(study: Study) -> list[Picture]:
    """For each group, the headline against time and against operations."""
    pictures = []
    for group in dict.fromkeys(row.group for row in study.rows):
        rows = [row for row in study.rows if row.group == group and study.headline in row.metrics]
        for name, cost in COSTS.items():
            if len([row for row in rows if cost(row.expense)]) > 1:
                pictures.append(_panel(f"cost-{len(pictures)}", study, group, rows, name, cost))
    return pictures


def _panel(
    identity: str,
    study: Study,
    group: str,
    rows: Sequence[Row],
    name: str,
    cost: Callable[[Expense], float | None],
) -> Picture:
    metric = short_names(study)[study.headline]
    points = [
        (row, place, list(row.metrics[study.headline].values()))
        for row in rows
        if (place := cost(row.expense))
    ]
    styles = row_styles(study)

    def paint(axes: Axes) -> None:
        axes.set_title(label(group or metric))
        for row, place, values in points:
            style = styles[row.name]
            ends = [min(values), max(values)]
            axes.plot([place, place], ends, color=style.colour, linewidth=1.6)
            mean = [statistics.fmean(values)]
            axes.plot([place], mean, color=style.colour, marker=style.marker, markersize=8)
        axes.set_xlim(0, 1.08 * max(place for _, place, _ in points))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value)))
        axes.set_xlabel(name)
        axes.set_ylabel(metric if group else "")
        axes.grid()

    told = [f"{row.name} {statistics.fmean(v):.1f} at {amount(place)}" for row, place, v in points]
    title = f"{metric} against {name}{f' at {group}' if group else ''}"
    return draw(identity, title, f"{', '.join(told)}.", PANEL, paint)
