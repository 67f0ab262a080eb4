"""The folder of a run: what is in it, and that nothing is ever overwritten."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Literal

from albefkit.engine.files import is_free, write_json, write_text
from albefkit.registry.errors import Problem, RecipeError

Status = Literal["running", "done", "failed", "interrupted"]

RUNS = "ALBEFKIT_RUNS"
"""Environment variable: where runs go that were not told where; `runs` if unset."""


class RunDirectory:
    """The folder of one run.

    Args:
        path: where it is; see `new_run_directory` and `find_run`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe = path / "recipe.yaml"
        self.resolved = path / "resolved.yaml"
        self.manifest = path / "manifest.json"
        self.metrics = path / "metrics.jsonl"
        self.tokenizer = path / "tokenizer.json"
        self.classes = path / "classes.json"
        self.log = path / "log.txt"
        self.summary = path / "summary.json"
        self.checkpoints = path / "checkpoints"
        self.results = path / "eval"
        self.events = path / "events"
        self._status = path / "STATUS"

    @property
    def status(self) -> str:
        """What became of the run, or an empty text where there is none."""
        return self._status.read_text(encoding="utf-8").strip() if self._status.exists() else ""

    @status.setter
    def status(self, status: Status) -> None:
        write_text(self._status, status + "\n")

    def save_result(self, name: str, value: Any) -> None:
        """Keep what an evaluator found, item by item."""
        self.results.mkdir(exist_ok=True)
        write_json(self.results / f"{name}.json", value)


def new_run_directory(out: Path | None, recipe: str, recipe_hash: str, seed: int) -> RunDirectory:
    """Make the folder of a new run.

    Args:
        out: the folder itself; None: one below `runs/<recipe>/` whose name tells time and seed.
        recipe: the recipe's name.
        recipe_hash: its digest.
        seed: the run's seed.

    Raises:
        RecipeError: there is something in the folder already, or it cannot be made.
    """
    path = out or _fresh(runs_folder() / recipe, recipe_hash, seed)
    try:
        if not is_free(path):
            raise RecipeError(_taken(path))
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the run's folder cannot be made: {error.strerror}"
        raise RecipeError(Problem("--out", str(path), message)) from error
    return RunDirectory(path)


def find_run(out: Path | None, recipe: str) -> RunDirectory:
    """The run to go on with: the folder given, or the newest one of the recipe.

    Raises:
        RecipeError: there is no such run.
    """
    if out is not None:
        if (out / "resolved.yaml").is_file():
            return RunDirectory(out)
        message = "there is no run to go on with: this folder has no resolved.yaml"
        raise RecipeError(Problem("--resume", str(out), message, "leave out --resume to begin"))
    folder = runs_folder() / recipe
    runs = sorted(path.parent for path in folder.glob("*/resolved.yaml"))
    if not runs:
        message = f"there is no run of '{recipe}' to go on with"
        raise RecipeError(
            Problem("--resume", str(folder), message, "name its folder: --resume DIR")
        )
    return RunDirectory(runs[-1])


def runs_folder() -> Path:
    """Where runs go that were not told where."""
    return Path(os.environ.get(RUNS) or "runs")


def _fresh(folder: Path, recipe_hash: str, seed: int) -> Path:
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe_hash[:8]}-s{seed}"
    path, count = folder / name, 1
    while path.exists():
        count += 1
        path = folder / f"{name}-{count}"
    return path


def _taken(path: Path) -> Problem:
    if RunDirectory(path).resolved.is_file():
        hint = "--resume goes on with it; or give another folder"
        return Problem("--out", str(path), "holds a run already, and nothing is overwritten", hint)
    message = "is not empty and holds no run: nothing is written there"
    return Problem("--out", str(path), message, "give a new or an empty folder")
