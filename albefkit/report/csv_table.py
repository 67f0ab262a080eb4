"""A study as CSV for machines: plain numbers, a line for each row and metric."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterator
from dataclasses import fields

from albefkit.ablation.effects import Effect
from albefkit.ablation.study import Expense, Row, Study
from albefkit.report.telling import all_metrics
from albefkit.report.wording import deviation, seeds_lost

Value = str | float | int | bool | None


def to_csv(study: Study) -> str:
    """All that is in numbers, not only what a table has room for.

    A row without any figure has one line with an empty metric. What is not known is empty.
    """
    lines = [
        _line(row, study, name) for row in study.rows for name in [*_metrics(row, study)] or [""]
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]) if lines else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _metrics(row: Row, study: Study) -> Iterator[str]:
    return (name for name in all_metrics(study) if name in row.metrics)


def _line(row: Row, study: Study, metric: str) -> dict[str, Value]:
    return {
        "group": row.group,
        "variant": row.name,
        "reference": row.reference,
        "metric": metric,
        **_figures(row, metric),
        **_effect(row.effects.get(metric)),
        **_expense(row.expense),
        "seeds_failed": seeds_lost(row, study),
        "failures": "; ".join(dict.fromkeys(row.failures.values())),
    }


def _figures(row: Row, metric: str) -> dict[str, Value]:
    values = list(row.metrics.get(metric, {}).values())
    return {
        "seeds": len(values),
        "mean": statistics.fmean(values) if values else None,
        "sd": deviation(values),
        "chance": row.chance.get(metric),
    }


def _effect(effect: Effect | None) -> dict[str, Value]:
    names = [*(each.name for each in fields(Effect)), "clear"]
    return {f"effect_{name}": getattr(effect, name, None) for name in names}


def _expense(expense: Expense) -> dict[str, Value]:
    """Nothing where the recipe could not be built, as nothing is known then."""
    return {name: value or None for name, value in vars(expense).items()}
