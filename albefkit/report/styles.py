"""How rows look in every figure: told apart by colour, by line and by marker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from albefkit.ablation.study import Study
from albefkit.report.svg import Frame, Picture, colour, draw

LINES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
SWATCH = Frame(36, 14, left=2, right=2, top=2, bottom=2)


@dataclass(frozen=True)
class Style:
    """How one row looks.

    Args:
        colour: of line and marker.
        line: a dash pattern.
        marker: the shape of its points.
    """

    colour: str
    line: Any
    marker: str


def row_styles(study: Study) -> dict[str, Style]:
    """A look for every name of a row, the same in all figures."""
    names = dict.fromkeys(row.name for row in study.rows)
    return {
        name: Style(
            colour(f"row-{number % 8}"), LINES[number % len(LINES)], MARKERS[number % len(MARKERS)]
        )
        for number, name in enumerate(names)
    }


def legend(study: Study, place: str) -> dict[str, Picture]:
    """A piece of line for each name of a row.

    Args:
        study: what was found.
        place: where in the page it stands, for its ids.
    """
    return {
        name: _swatch(f"{place}-legend-{number}", style)
        for number, (name, style) in enumerate(row_styles(study).items())
    }


def _swatch(identity: str, style: Style) -> Picture:
    def paint(axes: Axes) -> None:
        axes.set_axis_off()
        axes.plot([0, 1], [0, 0], color=style.colour, linestyle=style.line, linewidth=1.8)
        axes.plot([0.5], [0], color=style.colour, marker=style.marker, markersize=6)

    return draw(identity, "", "", SWATCH, paint)
