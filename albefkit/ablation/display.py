"""What is seen of an ablation while it runs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from albefkit.ablation.cells import Cell
from albefkit.ablation.plan import Plan, PlannedRow
from albefkit.quantities import amount, duration

HEADINGS = ("parameters", "FLOPs\nper sample", "steps", "runs", "there\nalready", "training")

TAIL_BYTES = 8192
"""Enough for the last line of a run's metrics."""


class GridDisplay:
    """Lines for what begins and ends; on a terminal, a bar for each run that goes on.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[says]}"))
        self._console = console
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> GridDisplay:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """A line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def look(self, running: Sequence[Cell]) -> None:
        """See how far runs are."""
        if not self._console.is_terminal:
            return
        labels = {cell.label: cell for cell in running}
        for label in [each for each in self._tasks if each not in labels]:
            self._bars.remove_task(self._tasks.pop(label))
        for label, cell in labels.items():
            if label not in self._tasks:
                self._tasks[label] = self._bars.add_task(label, total=None, says="")
            line = _last_line(cell)
            if line is not None and "losses" in line:
                losses = [f"{name} {loss:.3f}" for name, loss in line["losses"].items()]
                total = line["step"] / max(line["epoch"], 1e-9) * cell.recipe.settings.train.epochs
                self._bars.update(
                    self._tasks[label],
                    completed=line["step"],
                    total=cell.recipe.settings.train.steps or round(total),
                    says=" · ".join([f"step {line['step']}", *losses]),
                )


def _last_line(cell: Cell) -> dict[str, Any] | None:
    try:
        with cell.run.metrics.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            return json.loads(file.read().splitlines()[-1])
    except (OSError, IndexError, json.JSONDecodeError):  # not begun, or just being written
        return None


def plan_tables(plan: Plan) -> list[Table]:
    """What will be run, and about how long that takes; a table for each point of a sweep."""
    tables: dict[str, Table] = {}
    for row in plan.rows:
        if row.variant.group not in tables:
            table = Table(title=row.variant.group or "plan", title_justify="left")
            table.add_column("variant")
            for heading in HEADINGS:
                table.add_column(heading, justify="right")
            tables[row.variant.group] = table
        tables[row.variant.group].add_row(row.variant.name, *_figures(row))
    return list(tables.values())


def plan_words(plan: Plan) -> list[str]:
    """What each variant changes, why one cannot be built, and how long everything takes."""
    said = {}
    for row in plan.rows:
        changes = [each.brief for each in row.changes]
        if changes or row.problem:
            problem = [f"cannot be built: {row.problem}"] * bool(row.problem)
            said[row.variant.name] = ", ".join([*changes, *problem])
    left = sum(row.seconds_left for row in plan.rows)
    time_left = f"about {duration(left)} of training, one run at a time; evaluation comes on top"
    return [*(f"{name}: {text}" for name, text in said.items()), *([time_left] if left else [])]


def _figures(row: PlannedRow) -> list[str]:
    ours = row.estimate
    if ours is None:
        return ["cannot be built"]
    return [
        amount(ours.parameters),
        amount(ours.flops_per_sample),
        str(row.steps),
        str(len(row.cells)),
        str(sum(cell.finished for cell in row.cells.values())),
        duration(row.seconds_left) if row.seconds_left else "",
    ]
