"""How figures came about: what has to be known to compare them with others."""

from __future__ import annotations

from typing import Any, cast

from albefkit import __version__
from albefkit.data.base import Dataset, SplitName
from albefkit.engine.precision import Precision
from albefkit.models.stored import Stored
from albefkit.objectives.itc import ITC
from albefkit.objectives.itm import ITM
from albefkit.objectives.mlm import MLM
from albefkit.recipe.load import Recipe
from albefkit.registry.catalogue import load
from albefkit.vision.base import VisionEncoder

PRE_TRAINED, FINE_TUNED, TRAINED = "pre-trained", "fine-tuned", "trained for its task from nothing"
KNOWN_ITEMS = "the evaluated items are those it was trained on"
UNKNOWN = "unknown"


def protocol(
    stored: Stored, recipe: Recipe, vision: VisionEncoder, precision: Precision
) -> dict[str, Any]:
    """What all evaluators of an evaluation have in common.

    Args:
        stored: the model.
        recipe: of the evaluation: the model's, with its data and evaluators perhaps changed.
        vision: the model's image encoder.
        precision: which numbers are computed with, where.
    """
    return {
        "albefkit": __version__,
        "model": stored.recipe.name,
        "recipe_hash": stored.recipe.hash,
        "step": stored.step,
        "training": training(stored.recipe),
        "init": stored.recipe.settings.init,
        "objectives": list(stored.recipe.settings.objectives),
        "transfer": transfer(stored.recipe, same_data(stored, recipe)),
        "resolution": vision.image_size,
        "precision": precision.name,
        "device": precision.device.type,
        "data": recipe.settings.data.plain(),
    }


def of_evaluator(
    stored: Stored, recipe: Recipe, name: str, dataset: Dataset, split: str
) -> dict[str, Any]:
    """What one evaluator adds: its settings, and what exactly it saw.

    Args:
        stored: the model.
        recipe: of the evaluation.
        name: the evaluator's, in the recipe.
        dataset: what is evaluated on.
        split: the part of it.
    """
    trained_on = split == "train" and same_data(stored, recipe)
    return {
        **recipe.settings.evaluate[name].plain(),
        "split": split,
        "fingerprint": dataset.split(cast("SplitName", split)).fingerprint,
        "contamination": KNOWN_ITEMS if trained_on else UNKNOWN,
    }


def training(recipe: Recipe) -> str:
    """What kind of training a model comes from: `PRE_TRAINED`, `FINE_TUNED` or `TRAINED`.

    Hidden words are guessed in pre-training only; what else starts from weights is fine-tuned.
    Whoever only aligns and matches, from nothing, has pre-trained too.
    """
    kinds = [load(line.component.entry) for line in recipe.settings.objectives.values()]
    if any(issubclass(kind, MLM) for kind in kinds):
        return PRE_TRAINED
    if recipe.settings.init is not None:
        return FINE_TUNED
    return PRE_TRAINED if any(issubclass(kind, ITC | ITM) for kind in kinds) else TRAINED


def transfer(recipe: Recipe, same: bool) -> str:
    """How far the evaluated data are from those of the training, in words.

    Args:
        recipe: of the training.
        same: whether the data are those of the training, if perhaps another split.
    """
    kind = training(recipe)
    if same:
        return f"{kind} on the training split of these data"
    if kind == PRE_TRAINED:
        return "zero-shot, straight from pre-training"
    return f"zero-shot, {kind} elsewhere"


def same_data(stored: Stored, recipe: Recipe) -> bool:
    """Whether an evaluation is on the data of the training."""
    return stored.recipe.settings.data.plain() == recipe.settings.data.plain()
