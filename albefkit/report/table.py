"""A study as one table, whatever it is then written in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from albefkit.ablation.effects import Effect
from albefkit.ablation.study import Row, Study
from albefkit.quantities import amount, size
from albefkit.report.telling import decimals_of, short_names, telling_metrics
from albefkit.report.wording import (
    NONE,
    interval,
    mean_and_spread,
    missing,
    number,
    p_value,
    seeds_in_words,
    signed,
    verdict,
)

FAILED = "failed"
"""Heading of the last column, where some row has something to say in it."""

Mark = Literal["plain", "clear", "unclear", "failed"]


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        heading: above it.
        band: what several columns beside each other have in common; empty: nothing.
        align: where its cells stand.
    """

    heading: str
    band: str = ""
    align: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class Line:
    """One row.

    Args:
        cells: one for each column, as text that is not escaped for anything.
        mark: whether its difference stands out of the noise, or it has no figures at all.
    """

    cells: list[str]
    mark: Mark = "plain"


@dataclass(frozen=True)
class Section:
    """Rows that belong together.

    Args:
        title: the point of the sweep; empty without a sweep.
        lines: in order.
    """

    title: str
    lines: list[Line]


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        title: what it shows.
        columns: the first one names the row.
        sections: in order.
        notes: sentences to stand below it.
    """

    title: str
    columns: list[Column]
    sections: list[Section]
    notes: list[str]

    @property
    def headings(self) -> list[str]:
        """Of all columns."""
        return [column.heading for column in self.columns]

    def bands(self) -> list[tuple[str, list[int]]]:
        """Name of each band -> its columns, the first column left out.

        A column without a band is one of its own, by its heading.
        """
        found: list[tuple[str, list[int]]] = []
        for index, column in enumerate(self.columns[1:], 1):
            if found and column.band and found[-1][0] == column.band:
                found[-1][1].append(index)
            else:
                found.append((column.band or column.heading, [index]))
        return found


Cell = Callable[[Row], str]


def study_table(study: Study, metrics: Sequence[str] | None = None) -> Table:
    """Quality, the difference to the reference and how sure that is, and cost, row by row.

    Args:
        study: what was found.
        metrics: which ones, the headline first; None: those that tell most.
    """
    shown = telling_metrics(study) if metrics is None else list(metrics)
    found: list[tuple[Column, Cell]] = [(Column("variant", align="left"), lambda row: row.name)]
    found += _quality(study, shown)
    found += _difference(study, shown[0]) if shown and _compares(study) else []
    found += _cost()
    if any(row.failures for row in study.rows):
        found.append((Column(FAILED, align="left"), lambda row: missing(row, study) or NONE))
    groups = dict.fromkeys(row.group for row in study.rows)
    sections = [
        Section(
            group,
            [
                Line([cell(row) for _, cell in found], _mark(row, shown))
                for row in study.rows
                if row.group == group
            ],
        )
        for group in groups
    ]
    title = f"Ablation of {study.title}"
    return Table(title, [column for column, _ in found], sections, _notes(study, shown))


def single_reference(study: Study) -> str | None:
    """The row that all others are compared with, where there is one such."""
    names = {row.reference for row in study.rows if row.reference is not None}
    return names.pop() if len(names) == 1 else None


def _quality(study: Study, metrics: Sequence[str]) -> list[tuple[Column, Cell]]:
    names = short_names(study)

    def column(metric: str) -> tuple[Column, Cell]:
        decimals = decimals_of(study, metric)
        heading = names.get(metric, metric)
        return Column(heading, "quality"), lambda row: mean_and_spread(
            row.metrics.get(metric, {}).values(), decimals
        )

    return [column(metric) for metric in metrics]


def _difference(study: Study, metric: str) -> list[tuple[Column, Cell]]:
    name, decimals = short_names(study).get(metric, metric), decimals_of(study, metric)
    reference = single_reference(study)
    band = f"difference to {reference}" if reference else "difference"

    def told(tell: Callable[[Effect], str]) -> Cell:
        return lambda row: tell(row.effects[metric]) if metric in row.effects else NONE

    columns: list[tuple[Column, Cell]] = [
        (Column(f"Δ {name}", band), told(lambda effect: signed(effect.difference, decimals))),
        (Column("95 % interval", band), told(lambda effect: interval(effect, decimals))),
        (Column("p (Holm)", band), told(lambda effect: p_value(effect.p_adjusted))),
        (Column("verdict", band, "left"), told(verdict)),
    ]
    if reference is None:
        columns.insert(0, (Column("against", band, "left"), lambda row: row.reference or NONE))
    return columns


def _cost() -> list[tuple[Column, Cell]]:
    cells: dict[str, Cell] = {
        "parameters": lambda row: _known(row.expense.parameters, amount),
        "trainable": lambda row: _known(row.expense.trainable, amount),
        "FLOPs per sample": lambda row: _known(row.expense.flops_per_sample, amount),
        "samples/s": lambda row: _known(row.expense.images_per_second, "{:.0f}".format),
        "peak memory": lambda row: _known(row.expense.memory, size),
        "minutes": lambda row: _known(row.expense.minutes, lambda each: number(each, 1)),
        "steps": lambda row: _known(row.expense.steps, "{:.0f}".format),
    }
    return [(Column(heading, "cost"), cell) for heading, cell in cells.items()]


def _known(value: float | None, tell: Callable[[float], str]) -> str:
    return tell(value) if value else NONE


def _mark(row: Row, metrics: Sequence[str]) -> Mark:
    if not row.metrics:
        return "failed"
    effect = row.effects.get(metrics[0]) if metrics else None
    if effect is None:
        return "plain"
    return "clear" if effect.clear else "unclear"


def _compares(study: Study) -> bool:
    return any(row.reference is not None for row in study.rows)


def _notes(study: Study, metrics: Sequence[str]) -> list[str]:
    notes = [_spread_note(study), *_chance_note(study, metrics)]
    if metrics and _compares(study):
        name = short_names(study).get(metrics[0], metrics[0])
        reference = single_reference(study) or "the row it is compared with"
        notes.append(
            f"Δ {name} is {name} of the row minus that of {reference}, with its 95 % interval; p "
            f"is of a paired test, after Holm's correction for all rows compared. A difference is "
            f"inside the noise where p is 0.05 or more."
        )
    notes.append(
        "FLOPs are those of a training step, forward and backward, with the teacher's. Samples/s "
        "and minutes of training are medians over seeds, memory is the highest peak. "
        f"Budget: {study.budget}."
    )
    return notes


def _spread_note(study: Study) -> str:
    percent = "Metrics are percent unless their names say otherwise"
    if len(study.seeds) == 1:
        return f"{percent}; of one seed, so nothing here knows what another seed would change."
    return f"{percent}; mean ± standard deviation over {seeds_in_words(len(study.seeds))}."


def _chance_note(study: Study, metrics: Sequence[str]) -> list[str]:
    """What guessing gives, where all rows agree on it."""
    told = []
    for metric in metrics:
        decimals = decimals_of(study, metric)
        floors = [row.chance[metric] for row in study.rows if metric in row.chance]
        if len({number(floor, decimals) for floor in floors}) == 1:
            told.append(f"{short_names(study).get(metric, metric)} {number(floors[0], decimals)}")
    return [f"Guessing gives {', '.join(told)}."] if told else []
