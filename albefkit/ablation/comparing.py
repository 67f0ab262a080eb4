"""Two systems that were asked the same: what differs in their figures, item by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from albefkit.ablation.effects import Effect
from albefkit.ablation.finished import SEED, FinishedRun, Seeds, find_runs
from albefkit.ablation.statistics import effects_of
from albefkit.recipe.diff import Difference, diff
from albefkit.registry.errors import DataError, Problem, RecipeError

Pair = tuple[FinishedRun, FinishedRun]


@dataclass(frozen=True)
class ComparedFigure:
    """One figure of both.

    Args:
        name: `evaluator.metric`, percent unless it says otherwise.
        first: mean over the seeds.
        second: likewise.
        effect: second minus first.
    """

    name: str
    first: float
    second: float
    effect: Effect

    @property
    def verdict(self) -> str:
        """What that says of the second, in words."""
        if not self.effect.clear:
            return "inside the noise"
        return "higher" if self.effect.difference > 0 else "lower"


@dataclass(frozen=True)
class Comparison:
    """Two systems side by side.

    Args:
        first: the folder of the first.
        second: that of the second.
        seeds: those compared.
        changes: what the second's recipe says differently.
        figures: of every evaluator that both had.
        notes: what one has to know to read them.
    """

    first: Path
    second: Path
    seeds: list[int]
    changes: list[Difference]
    figures: list[ComparedFigure]
    notes: list[str]


def compare(first: Path, second: Path) -> Comparison:
    """Compare two runs, or two recipes with runs of several seeds each.

    Args:
        first: the folder of a run, or of runs of one recipe.
        second: likewise.

    Raises:
        RecipeError: there are no such runs, or they have no seed or no evaluator in common.
        DataError: they were asked different things.
    """
    one, other = find_runs(first), find_runs(second)
    pairs = _matched(one, other)
    tables, notes = _tables(pairs)
    if not tables:
        message = f"has no figures item by item in common with {first}"
        hint = "Both need the same evaluators, in runs that kept figures item by item."
        raise RecipeError(Problem("", str(second), " ".join([message, *notes]), hint))
    # The effect is the second's, so the second is ours.
    effects = effects_of({name: (ours, theirs) for name, (theirs, ours) in tables.items()}, seed=0)
    changes = [each for each in diff(one.recipe, other.recipe) if each.path != SEED]
    return Comparison(
        first,
        second,
        [run.seed for run, _ in pairs],
        changes,
        [
            ComparedFigure(name, float(theirs.mean()), float(ours.mean()), effects[name])
            for name, (theirs, ours) in tables.items()
        ],
        [*_of_seeds(one, other, pairs), *_of_data(changes), *notes],
    )


def _matched(one: Seeds, other: Seeds) -> list[Pair]:
    """Runs of equal seeds; two single runs belong together whatever their seeds."""
    shared = [seed for seed in one.runs if seed in other.runs]
    if not shared and len(one.runs) == len(other.runs) == 1:
        return list(zip(one.runs.values(), other.runs.values(), strict=True))
    if not shared:
        message = (
            f"its seeds are {_listed(other.runs)}, those of {one.path} {_listed(one.runs)}: none"
            " is the same"
        )
        raise RecipeError(Problem("", str(other.path), message, "Train both with the same seeds."))
    return [(one.runs[seed], other.runs[seed]) for seed in shared]


def _of_seeds(one: Seeds, other: Seeds, pairs: Sequence[Pair]) -> list[str]:
    notes = []
    left_out = [path for side in (one, other) for path in side.unfinished]
    matched = [run.path for pair in pairs for run in pair]
    left_out += [
        run.path for side in (one, other) for run in side.runs.values() if run.path not in matched
    ]
    if left_out:
        notes.append(f"left out, unfinished or without a partner: {_listed(left_out)}")
    first, second = pairs[0]
    if first.seed != second.seed:
        notes.append(f"the seeds differ: {first.seed} and {second.seed}")
    if len(pairs) == 1:
        notes.append("one seed: intervals speak of other items; other seeds may differ by more")
    return notes


def _of_data(changes: Sequence[Difference]) -> list[str]:
    changed = [each.brief for each in changes if each.within(["data"])]
    if not changed:
        return []
    return [f"items of one name are taken to be the same, though data differ: {_listed(changed)}"]


def _tables(pairs: Sequence[Pair]) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], list[str]]:
    """Figures `(S, I)` of first and second by seed and item, and what has none."""
    runs = [run for pair in pairs for run in pair]
    tables: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    notes = []
    for evaluator in dict.fromkeys(name for run in runs for name in run.results):
        having = [run for run in runs if run.results.get(evaluator, {}).get("samples")]
        if len(having) < len(runs):
            lacking = [run.path for run in runs if run not in having]
            notes.append(f"{evaluator}: no figures item by item in {_listed(lacking)}")
            continue
        orders = [_order(evaluator, runs[0], run) for run in runs]
        results = [run.results[evaluator] for run in runs]
        for metric in _shared([result["samples"] for result in results]):
            table = np.stack(
                [
                    np.asarray(result["samples"][metric])[order]
                    for result, order in zip(results, orders, strict=True)
                ]
            )
            tables[f"{evaluator}.{metric}"] = table[::2], table[1::2]
    return tables, notes


def _order(evaluator: str, reference: FinishedRun, run: FinishedRun) -> np.ndarray:
    """Where in a run the items of the reference are."""
    theirs, ours = reference.results[evaluator], run.results[evaluator]
    if theirs["split"] != ours["split"]:
        message = f"is about '{ours['split']}' here and about '{theirs['split']}' in"
        raise _different(evaluator, run, f"{message} {reference.path}")
    wanted, given = theirs["sampled"], ours["sampled"]
    if wanted == given:
        return np.arange(len(given))
    places = {name: place for place, name in enumerate(given)}
    if len(places) < len(given) or len(wanted) != len(given) or set(places) != set(wanted):
        number = len(places.keys() & set(wanted))
        message = f"asked about {len(given)} items here and {len(wanted)} in {reference.path}"
        raise _different(evaluator, run, f"{message}; {number} are the same")
    return np.array([places[name] for name in wanted])


def _different(evaluator: str, run: FinishedRun, message: str) -> DataError:
    hint = "Train both with the same test data and the same split and limits of the evaluator."
    return DataError(Problem("", str(run.path), f"{evaluator} {message}", hint))


def _shared(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that all have, in the order of the first."""
    return [key for key in tables[0] if all(key in each for each in tables)]


def _listed(things: Mapping[int, Any] | Sequence[object]) -> str:
    return ", ".join(map(str, things))
