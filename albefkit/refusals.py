"""Recipes whose parts are right one by one and together mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from albefkit.data.base import Dataset
from albefkit.evaluation.base import Evaluator
from albefkit.network import Network
from albefkit.objectives.base import Objective
from albefkit.registry.errors import ComponentError, Problem, RecipeError

if TYPE_CHECKING:
    from albefkit.recipe.load import Recipe


def require_meaning(
    recipe: Recipe, objectives: Mapping[str, Objective], needs: frozenset[str]
) -> None:
    """Refuse what cannot mean anything, every reason in a sentence."""
    where, settings = str(recipe.source), recipe.settings
    problems = []
    if not any(objective.reads for objective in objectives.values()):
        problems.append(
            Problem(where, "objectives", "no objective has a loss: nothing would be learnt.")
        )
    trained = frozenset().union(*(objective.trains for objective in objectives.values()))
    for name, objective in objectives.items():
        problems += [
            Problem(where, f"objectives.{name}", advice)
            for need, advice in objective.relies_on.items()
            if need not in trained
        ]
    required = {"features": ("alignment",), "fused": ("model.fusion",)}
    present = {"alignment": settings.alignment, "model.fusion": settings.model.fusion}
    for need in sorted(needs):
        who = ", ".join(name for name, objective in objectives.items() if need in objective.needs)
        problems += [
            Problem(where, path, f"is missing, and {who} reads {need}.", f"Give '{path}' a value.")
            for path in required[need]
            if present[path] is None
        ]
    if problems:
        raise RecipeError(problems)


def require_answers(recipe: Recipe, network: Network, evaluators: Mapping[str, Evaluator]) -> None:
    """Refuse, before hours of training, an evaluator that could not ask this network anything."""
    problems = []
    for name, evaluator in evaluators.items():
        try:
            evaluator.require(network)
        except ComponentError as error:
            message = " ".join(each.message for each in error.problems)
            problems.append(Problem(str(recipe.source), f"evaluate.{name}", message))
    if problems:
        raise RecipeError(problems)


def require_splits(recipe: Recipe, dataset: Dataset, evaluators: Mapping[str, Evaluator]) -> None:
    """Refuse, before hours of training, an evaluator whose split the data do not have."""
    problems = [
        Problem(
            str(recipe.source),
            f"evaluate.{name}.split",
            f"the data have no split '{evaluator.split}'; they have {', '.join(dataset.splits)}.",
            f"--set evaluate.{name}.split={dataset.splits[-1]}",
        )
        for name, evaluator in evaluators.items()
        if dataset.splits and evaluator.split not in dataset.splits
    ]
    if problems:
        raise RecipeError(problems)
