"""Learning curves: mean over seeds, a band from the lowest to the highest seed, and chance."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from albefkit.ablation.study import Curve, Row, Study
from albefkit.report.styles import Style, row_styles
from albefkit.report.svg import Frame, Picture, colour, draw, label
from albefkit.report.telling import short_names, telling_metrics

PANEL = Frame(340, 230)

POINTS = 100
"""Of a curve, at most: a panel has no room for more."""

LOSS, BOUND = "loss/", "bound/"


def learning_curves(study: Study) -> dict[str, list[Picture]]:
    """Each group's curves: evaluation, losses, bounds, then what else is known of batches."""
    groups = dict.fromkeys(row.group for row in study.rows)
    return {
        group: _panels(study, [row for row in study.rows if row.group == group], number)
        for number, group in enumerate(groups)
    }


def _panels(study: Study, rows: Sequence[Row], group: int) -> list[Picture]:
    known = dict.fromkeys(curve.name for row in rows for curve in row.curves if _is_curve(curve))
    evaluated = {name for row in study.rows for name in row.metrics}
    told = [name for name in telling_metrics(study) if name in known]
    losses = [name for name in known if name.startswith(LOSS)]
    bounds = [name for name in known if name.startswith(BOUND)]
    others = [name for name in known if name not in {*losses, *bounds, *evaluated}]
    styles, shown = row_styles(study), short_names(study)
    return [
        _panel(f"curve-{group}-{place}", name, shown.get(name, name), rows, styles)
        for place, name in enumerate([*told, *losses, *bounds, *others])
    ]


def _is_curve(curve: Curve) -> bool:
    return len(curve.steps) > 1 and bool(curve.values)


def _panel(
    identity: str, name: str, shown: str, rows: Sequence[Row], styles: dict[str, Style]
) -> Picture:
    kind, _, objective = shown.rpartition("/")
    title = f"{objective} {kind}".strip()
    curves = [
        (row.name, curve)
        for row in rows
        for curve in row.curves
        if curve.name == name and _is_curve(curve)
    ]
    ends = [f"{row} ends at {_mean(curve)[-1]:.3g}" for row, curve in curves]
    about = f"{title} over training steps: {', '.join(ends)}."

    def paint(axes: Axes) -> None:
        axes.set_title(label(title))
        axes.set_xlabel("step")
        axes.grid(axis="y")
        for floor in sorted({round(c.chance, 2) for _, c in curves if c.chance is not None}):
            _chance(axes, floor)
        for row, curve in curves:
            _draw(axes, curve, styles[row])
        axes.margins(x=0.02)

    return draw(identity, title, about, PANEL, paint)


def _mean(curve: Curve) -> list[float]:
    columns = zip(*curve.values.values(), strict=True)
    return [sum(column) / len(column) for column in columns]


def _draw(axes: Axes, curve: Curve, style: Style) -> None:
    stride = max(1, -(-len(curve.steps) // POINTS))
    kept = slice((len(curve.steps) - 1) % stride, None, stride)  # the last one is
    steps, values = curve.steps[kept], [each[kept] for each in curve.values.values()]
    if len(values) > 1:
        columns = list(zip(*values, strict=True))
        lows, highs = [min(each) for each in columns], [max(each) for each in columns]
        axes.fill_between(steps, lows, highs, color=style.colour, alpha=0.16, linewidth=0)
    axes.plot(steps, _mean(curve)[kept], color=style.colour, linestyle=style.line, linewidth=1.8)


def _chance(axes: Axes, floor: float) -> None:
    axes.axhline(floor, color=colour("muted"), linestyle=(0, (4, 3)), linewidth=1.2)
    axes.annotate(
        "chance",
        (1, floor),
        (0, 3),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        color=colour("muted"),
    )
