"""A comparison as a table: on a terminal, in Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from rich.table import Table

from albefkit.ablation.comparing import ComparedFigure, Comparison

HEADINGS = ("figure", "A", "B", "B - A", "95 % interval", "p", "B is")


def rich_table(comparison: Comparison) -> Table:
    """For a terminal: what stands out of the noise is bold."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in HEADINGS:
        left = heading in (HEADINGS[0], HEADINGS[-1])
        # On a narrow terminal words give way, never digits.
        justify, overflow = ("left", "fold") if left else ("right", "crop")
        table.add_column(heading, justify=justify, overflow=overflow, no_wrap=not left)
    by_evaluator = groupby(comparison.figures, key=lambda figure: figure.name.partition(".")[0])
    for evaluator, figures in by_evaluator:
        table.add_row(evaluator)
        for figure in figures:
            _, *cells = _cells(figure)
            name = "  " + figure.name.removeprefix(f"{evaluator}.")
            table.add_row(name, *cells, style="bold" if figure.effect.clear else None)
    return table


def words(comparison: Comparison) -> list[str]:
    """What is compared, and what one has to know to read the table."""
    number = len(comparison.figures)
    changes = ", ".join(each.brief for each in comparison.changes)
    seeds = ", ".join(map(str, comparison.seeds))
    return [
        f"A: {comparison.first}",
        f"B: {comparison.second}",
        f"seeds: {seeds}",
        f"B's recipe: {changes or 'says the same'}",
        "p: paired test that there is no difference, corrected for the number of figures,"
        f" {number} (Holm); intervals are not",
        *comparison.notes,
    ]


def _cells(figure: ComparedFigure) -> list[str]:
    effect = figure.effect
    p = "< 0.001" if effect.p_adjusted < 0.001 else f"{effect.p_adjusted:.3f}"
    return [
        figure.name,
        f"{figure.first:.1f}",
        f"{figure.second:.1f}",
        f"{effect.difference:+.1f}",
        f"{effect.low:+.1f} to {effect.high:+.1f}",
        p,
        figure.verdict,
    ]


def _markdown(comparison: Comparison) -> str:
    rows = [HEADINGS, ("---", *["---:"] * 5, "---"), *map(_cells, comparison.figures)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", *(f"- {each}" for each in words(comparison)), ""])


def _csv(comparison: Comparison) -> str:
    text = io.StringIO()
    rows = [_plain(figure) for figure in comparison.figures]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json(comparison: Comparison) -> str:
    whole = {
        "first": str(comparison.first),
        "second": str(comparison.second),
        "seeds": comparison.seeds,
        "changes": [each.plain for each in comparison.changes],
        "figures": [_plain(figure) for figure in comparison.figures],
        "notes": comparison.notes,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(figure: ComparedFigure) -> dict[str, Any]:
    return {
        "figure": figure.name,
        "first": figure.first,
        "second": figure.second,
        **vars(figure.effect),
        "clear": figure.effect.clear,
    }


WRITERS: Mapping[str, Callable[[Comparison], str]] = {
    ".csv": _csv,
    ".md": _markdown,
    ".json": _json,
}
"""By the suffix of a file."""
