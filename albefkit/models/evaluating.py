"""A trained model is examined: on its own data or on others, by its own evaluators or by others."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from albefkit.assemble import Assembly
from albefkit.data.base import Dataset, SplitName
from albefkit.distributed import World
from albefkit.engine.devices import DeviceName, choose_device
from albefkit.engine.display import PlainDisplay
from albefkit.engine.files import require_free
from albefkit.engine.hearing import heard_warnings
from albefkit.engine.precision import choose_precision
from albefkit.engine.readiness import bring
from albefkit.engine.records import Journal
from albefkit.evaluation.base import Result
from albefkit.feeding import subject
from albefkit.models.predictions import write_results
from albefkit.models.protocol import of_evaluator, protocol
from albefkit.models.stored import Stored, WhichWeights, find_stored, has_teacher, rebuild
from albefkit.objectives.classification import Classification
from albefkit.recipe.diff import diff
from albefkit.recipe.load import Recipe
from albefkit.registry.errors import DataError, Problem, RecipeError

CHANGEABLE = ("data", "evaluate", "train.batch_size")
"""What of a recipe an evaluation may change: nothing that the weights depend on."""
SHOWN = 6
"""So many classes are named in a message."""


@dataclass(frozen=True)
class Wishes:
    """What to evaluate.

    Args:
        on: an evaluator of the recipe, or the name of any other; None: all of the recipe.
        split: what on; None: what each evaluator says itself.
        sets: edits of the recipe, `path=value`.
        out: a new or empty folder; None: one below `evaluations/` in the model's.
        weights: of a run: its best checkpoint (its last, where none was found best), or its last.
        device: where to compute.
    """

    on: str | None = None
    split: SplitName | None = None
    sets: Sequence[str] = ()
    out: Path | None = None
    weights: WhichWeights = "best"
    device: DeviceName = "auto"


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Args:
        folder: where it was written.
        results: by evaluator.
    """

    folder: Path
    results: Mapping[str, Result]


def evaluate(path: Path, wishes: Wishes, console: Console) -> Evaluation:
    """Examine a trained model and write down what was found, item by item.

    Args:
        path: the folder of a run, of one of its checkpoints, or of `save_pretrained`.
        wishes: what to evaluate.
        console: is told how far it is.

    Raises:
        AlbefkitError: of the kind that says whose mistake it is.
    """
    stored = find_stored(path, wishes.weights)
    recipe = _edited(stored, wishes)
    folder = wishes.out or stored.path / "evaluations" / time.strftime("%Y%m%d-%H%M%S")
    require_free(folder, "--out")
    device = choose_device(wishes.device, World())
    precision = choose_precision(stored.numbers(device.type), device)
    journal = Journal([PlainDisplay(console)])
    with heard_warnings(journal.warn):
        assembly = rebuild(stored)
        bring(assembly.pretrainer, device)
        dataset: Dataset = recipe.settings.data.build({})
        _require_fitting(stored, assembly, dataset, wishes.split)
        assembly = replace(assembly, recipe=recipe, dataset=dataset)
        who, results = subject(assembly, precision, journal.progress), {}
        if not has_teacher(stored):
            who = replace(who, teacher=None)
        for name, spec in recipe.settings.evaluate.items():
            results[name] = spec.build({}).evaluate(who, wishes.split)
            journal.result(name, stored.step or 0, results[name])
    assert who.network.vision is not None
    folder.mkdir(parents=True, exist_ok=True)
    write_results(
        folder,
        results,
        protocol(stored, recipe, who.network.vision, precision),
        {
            name: of_evaluator(stored, recipe, name, dataset, results[name].split)
            for name in results
        },
    )
    return Evaluation(folder, results)


def _edited(stored: Stored, wishes: Wishes) -> Recipe:
    """The recipe of the evaluation.

    Raises:
        RecipeError: an edit changes what the weights depend on, or nothing would be evaluated.
    """
    sets = list(wishes.sets)
    known = stored.recipe.settings.evaluate
    if wishes.on is not None and wishes.on not in known:
        sets.append(f"evaluate.{wishes.on}.type={wishes.on}")
    recipe = find_stored(stored.path, wishes.weights, sets).recipe
    changes = diff(stored.recipe.resolved, recipe.resolved)
    refused = [str(each) for each in changes if not each.within(CHANGEABLE)]
    if refused:
        listed = "\n".join(refused)
        message = f"this would change what the weights depend on:\n{listed}"
        hint = f"only {', '.join(CHANGEABLE)} may change"
        raise RecipeError(Problem("command line", "--set", message, hint))
    if wishes.on is not None:
        chosen = {wishes.on: recipe.settings.evaluate[wishes.on]}
        recipe = replace(recipe, settings=replace(recipe.settings, evaluate=chosen))
    if not recipe.settings.evaluate:
        message = "its recipe has no evaluator"
        hint = "Name one: --on retrieval; `albefkit components evaluator` lists them."
        raise RecipeError(Problem("", str(stored.path), message, hint))
    return recipe


def _require_fitting(
    stored: Stored, assembly: Assembly, dataset: Dataset, split: SplitName | None
) -> None:
    """Refuse data that the model cannot be asked about.

    Raises:
        DataError: there is no such split, or labels mean something else than in training.
    """
    if split is not None and split not in dataset.splits:
        there = ", ".join(dataset.splits) or "none"
        raise DataError(Problem("", "data", f"there is no split '{split}'; there are: {there}"))
    judges = [
        name
        for name, each in assembly.pretrainer.objectives.items()
        if isinstance(each, Classification)
    ]
    if judges and dataset.classes and dataset.classes != stored.classes:
        message = (
            f"the data's classes are {_listed(dataset.classes)}, "
            f"and head '{judges[0]}' tells apart {_listed(stored.classes)}"
        )
        raise DataError(Problem("", "data", message, "Take data with the classes of training."))


def _listed(classes: Sequence[str]) -> str:
    shown = ", ".join(classes[:SHOWN])
    return shown if len(classes) <= SHOWN else f"{shown}, ... ({len(classes)})"
