"""Going on with a run: the same recipe, the same data, the same numbers."""

from __future__ import annotations

from dataclasses import replace

from albefkit.data.base import Dataset
from albefkit.distributed import World
from albefkit.engine.checkpoint import Checkpoint
from albefkit.engine.files import read_json
from albefkit.engine.run_directory import RunDirectory
from albefkit.recipe.diff import diff
from albefkit.recipe.load import Recipe, load_recipe
from albefkit.registry.errors import DataError, Problem, RecipeError

FREE = (
    "train.log_every",
    "train.workers",
    "train.checkpoint_activations",
    "train.keep_checkpoints",
    "train.evaluate_every",
    "evaluate",
)
"""What may change within a run: it decides what is shown, kept and spent, not what is learned."""


def same_recipe(directory: RunDirectory, recipe: Recipe) -> Recipe:
    """The recipe under the name the run began with; another recipe is refused.

    Raises:
        RecipeError: what has changed, line by line.
    """
    before = load_recipe(directory.resolved).resolved
    changes = [each for each in diff(before, recipe.resolved) if not each.within(FREE)]
    if changes:
        listed = "\n".join(str(change) for change in changes)
        message = f"the recipe is not the one of this run:\n{listed}"
        hint = (
            f"undo the changes, or begin a new run without --resume; only {', '.join(FREE)} "
            "may change"
        )
        raise RecipeError(Problem("--resume", str(directory.path), message, hint))
    return replace(recipe, name=read_json(directory.manifest)["recipe"]["name"])


def require_same_data(directory: RunDirectory, dataset: Dataset) -> None:
    """Refuse to go on with other training data.

    Raises:
        DataError: they are not those of the manifest.
    """
    then = read_json(directory.manifest)["data"]["train"]
    now = dataset.split("train").fingerprint
    if then != now:
        message = f"the training data have changed since this run began ({then} -> {now})"
        hint = "bring them back, or begin a new run without --resume"
        raise DataError(Problem("--resume", str(directory.path), message, hint))


def require_same_world(checkpoint: Checkpoint, world: World) -> None:
    """Refuse to go on with another number of processes: batches would be others.

    Raises:
        RecipeError: how many there were.
    """
    processes = checkpoint.meta()["processes"]
    if processes != world.size:
        message = f"this run had {processes} processes, and now there are {world.size}"
        hint = f"torchrun --nproc-per-node {processes}, or begin a new run"
        raise RecipeError(Problem("--resume", str(checkpoint.path), message, hint))
