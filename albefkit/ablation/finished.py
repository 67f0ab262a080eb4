"""Finished runs of one recipe as they lie in folders, one for each seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from albefkit.engine.files import read_json
from albefkit.engine.run_directory import RunDirectory
from albefkit.recipe.diff import diff
from albefkit.registry.errors import DataError, Problem, RecipeError

SEED = "train.seed"
"""All that may differ between the runs of one folder."""
HINT = "Give the folder of a run, or one that holds runs of one recipe, one for each seed."


@dataclass(frozen=True)
class FinishedRun:
    """One run that has results.

    Args:
        path: its folder.
        seed: of the run.
        recipe: resolved.
        results: evaluator -> what it found, as the run kept it.
    """

    path: Path
    seed: int
    recipe: dict[str, Any]
    results: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Seeds:
    """The runs of one recipe.

    Args:
        path: the folder that was given.
        runs: seed -> run, in the order of seeds.
        unfinished: folders of runs that have no results.
    """

    path: Path
    runs: dict[int, FinishedRun]
    unfinished: list[Path]

    @property
    def recipe(self) -> dict[str, Any]:
        """That of its first run."""
        return next(iter(self.runs.values())).recipe


def find_runs(folder: Path) -> Seeds:
    """The run that a folder is, or the runs that lie in it.

    Raises:
        RecipeError: there is no finished run, or there are runs of several recipes.
        DataError: a run's files cannot be read.
    """
    if RunDirectory(folder).resolved.is_file():
        paths = [folder]
    else:
        paths = sorted(file.parent for file in folder.rglob("resolved.yaml"))
    finished = [path for path in paths if RunDirectory(path).status == "done"]
    if not finished:
        message = "holds no finished run" if folder.exists() else "does not exist"
        raise RecipeError(Problem("", str(folder), message, HINT))
    runs = sorted((_read(path) for path in finished), key=lambda run: run.seed)
    _require_one_recipe(folder, runs)
    unfinished = [path for path in paths if path not in finished]
    return Seeds(folder, {run.seed: run for run in runs}, unfinished)


def _read(path: Path) -> FinishedRun:
    run = RunDirectory(path)
    try:
        return FinishedRun(
            path,
            read_json(run.manifest)["seed"],
            yaml.safe_load(run.resolved.read_text(encoding="utf-8")),
            {file.stem: read_json(file) for file in sorted(run.results.glob("*.json"))},
        )
    except (OSError, ValueError, KeyError, yaml.YAMLError) as error:
        raise DataError(Problem("", str(path), f"this run cannot be read: {error}")) from error


def _require_one_recipe(folder: Path, runs: Sequence[FinishedRun]) -> None:
    by_seed: dict[int, list[FinishedRun]] = defaultdict(list)
    for run in runs:
        by_seed[run.seed].append(run)
        changes = [each for each in diff(runs[0].recipe, run.recipe) if each.path != SEED]
        if changes:
            names = f"{runs[0].path.relative_to(folder)} and {run.path.relative_to(folder)}"
            message = f"holds runs of several recipes; {names} differ: {changes[0].brief}"
            raise RecipeError(Problem("", str(folder), message, HINT))
    for seed, several in by_seed.items():
        if len(several) > 1:
            names = ", ".join(str(run.path.relative_to(folder)) for run in several)
            message = f"holds several runs with the seed {seed}: {names}"
            raise RecipeError(Problem("", str(folder), message, HINT))
