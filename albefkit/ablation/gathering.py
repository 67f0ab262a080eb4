"""From the runs of an ablation to what it found."""

from __future__ import annotations

import json
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from albefkit.ablation.cells import Cell
from albefkit.ablation.plan import Plan, PlannedRow
from albefkit.ablation.statistics import effects_of
from albefkit.ablation.study import Curve, Expense, Row, Study
from albefkit.engine.files import read_json

Found = dict[str, dict[str, Any]]
"""Evaluator -> what it found, as the run kept it."""


def gather(plan: Plan, command: str) -> Study:
    """Read what the finished runs of a plan found.

    Args:
        plan: what was run.
        command: what was typed.
    """
    results = {cell.folder: _results(cell) for cell in plan.cells() if cell.finished}
    rows = [_row(planned, results) for planned in plan.rows]
    _add_effects(plan, rows, results)
    first = plan.rows[0]
    sweep = first.variant.group.partition(":")[0] or None
    return Study(
        title=first.recipe.name,
        command=command,
        machine=_machine(plan),
        code=_codes(plan),
        seeds=plan.seeds,
        budget=plan.budget or "as each recipe says",
        headline=_headline(results.values()),
        sweep=sweep,
        rows=rows,
    )


def _results(cell: Cell) -> Found:
    """In the order of the recipe."""
    paths = {name: cell.run.results / f"{name}.json" for name in cell.recipe.settings.evaluate}
    return {name: read_json(path) for name, path in paths.items() if path.is_file()}


def _row(planned: PlannedRow, results: Mapping[Path, Found]) -> Row:
    done = {seed: cell for seed, cell in planned.cells.items() if cell.folder in results}
    metrics: dict[str, dict[int, float]] = defaultdict(dict)
    chance: dict[str, float] = {}
    for seed, cell in done.items():
        for evaluator, result in results[cell.folder].items():
            for metric, value in result["metrics"].items():
                metrics[f"{evaluator}.{metric}"][seed] = value
            chance |= {f"{evaluator}.{name}": value for name, value in result["chance"].items()}
    failures = {seed: cell.last_words() for seed, cell in planned.cells.items() if seed not in done}
    if planned.problem:
        failures = {-1: planned.problem}
    variant = planned.variant
    return Row(
        name=variant.name,
        group=variant.group,
        reference=variant.reference,
        changes=[str(each) for each in planned.changes],
        recipe=planned.recipe.to_yaml(),
        expense=_expense(planned, list(done.values())),
        metrics=dict(metrics),
        chance=chance,
        curves=_curves(done),
        failures=failures,
    )


def _expense(planned: PlannedRow, done: Sequence[Cell]) -> Expense:
    if planned.estimate is None:
        return Expense(0, 0, 0.0, 0)
    expense = planned.estimate.expense(planned.steps)
    if not done:
        return expense
    summaries = [read_json(cell.run.summary)["train"] for cell in done]
    memory = [line["pace"]["memory"] for cell in done for line in _lines(cell) if "pace" in line]
    return Expense(
        expense.parameters,
        expense.trainable,
        expense.flops_per_sample,
        expense.steps,
        images_per_second=statistics.median(each["images_per_second"] for each in summaries),
        minutes=statistics.median(each["seconds"] for each in summaries) / 60,
        memory=max(memory, default=None),
    )


def _lines(cell: Cell) -> list[dict[str, Any]]:
    text = cell.run.metrics.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _curves(done: Mapping[int, Cell]) -> list[Curve]:
    """Losses, bounds, accuracies and evaluations, at the steps that every seed reports."""
    points: dict[str, dict[int, dict[int, float]]] = defaultdict(dict)
    floors: dict[str, list[float]] = defaultdict(list)
    for seed, cell in done.items():
        for line in _lines(cell):
            for name, value in _figures(line).items():
                points[name].setdefault(seed, {})[line["step"]] = value
            for name, value in line.get("floors", {}).items():
                floors[f"loss/{name}"].append(value)
    curves = []
    for name, by_seed in points.items():
        steps = sorted(set.intersection(*(set(each) for each in by_seed.values())))
        values = {seed: [each[step] for step in steps] for seed, each in by_seed.items()}
        chance = statistics.fmean(floors[name]) if floors[name] else None
        curves.append(Curve(name, steps, values, chance))
    return curves


def _figures(line: Mapping[str, Any]) -> dict[str, float]:
    if "evaluation" in line:
        name = line["evaluation"]
        return {f"{name}.{metric}": value for metric, value in line["metrics"].items()}
    found = {f"loss/{name}": value for name, value in line["losses"].items()}
    found |= {f"bound/{name}": value for name, value in line["bounds"].items()}
    accuracies = {name: value for name, value in line["metrics"].items() if "accuracy" in name}
    return found | accuracies


def _add_effects(plan: Plan, rows: Sequence[Row], results: Mapping[Path, Found]) -> None:
    """Compare each row with its reference, metric by metric; Holm's correction is over the rows
    of the table, once for each metric.
    """
    at = {(row.group, row.name): index for index, row in enumerate(rows)}
    compared: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = defaultdict(dict)
    for index, row in enumerate(rows):
        if row.reference is None:
            continue
        ours, theirs = plan.rows[index], plan.rows[at[row.group, row.reference]]
        for metric, pair in _paired(ours, theirs, results).items():
            compared[metric][str(index)] = pair
    for metric, pairs in compared.items():
        for index, effect in effects_of(pairs, seed=plan.seeds[0]).items():
            rows[int(index)].effects[metric] = effect


def _paired(
    ours: PlannedRow, theirs: PlannedRow, results: Mapping[Path, Found]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Metric -> figures by seed and item, `(S, I)`, of the seeds and items that both have."""
    both = [
        (results[ours.cells[seed].folder], results[theirs.cells[seed].folder])
        for seed in ours.cells
        if ours.cells[seed].folder in results
        and seed in theirs.cells
        and theirs.cells[seed].folder in results
    ]
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for evaluator in _shared(each for pair in both for each in pair):
        pairs = [(mine[evaluator], other[evaluator]) for mine, other in both]
        if any(mine["sampled"] != other["sampled"] for mine, other in pairs):
            continue
        for metric in _shared(each["samples"] for pair in pairs for each in pair):
            found[f"{evaluator}.{metric}"] = (
                np.array([mine["samples"][metric] for mine, _ in pairs]),
                np.array([other["samples"][metric] for _, other in pairs]),
            )
    return found


def _shared(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys that all tables have, in the order of the first."""
    several = list(tables)
    return [key for key in several[0] if all(key in each for each in several)] if several else []


def _headline(results: Iterable[Found]) -> str:
    """The metric that is the first evaluator's score."""
    for found in results:
        for evaluator, result in found.items():
            scores = [name for name, value in result["metrics"].items() if value == result["score"]]
            return f"{evaluator}.{min(scores, key=len)}" if scores else ""
    return ""


def _machine(plan: Plan) -> str:
    manifests = [read_json(cell.run.manifest) for cell in plan.cells() if cell.finished]
    if not manifests:
        return platform.processor() or platform.machine()
    hardware = manifests[0]["hardware"]
    device = hardware["gpu"] or f"{hardware['processor']}, {hardware['threads']} threads"
    return f"{device}, {manifests[0]['precision']}"


def _codes(plan: Plan) -> str:
    codes = {cell.folder.name.split("-")[1] for cell in plan.cells()}
    return ", ".join(sorted(codes))
