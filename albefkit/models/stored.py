"""Trained models as they lie in folders: the folder of a run, or one for others to use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_model
from torch import nn

from albefkit.assemble import Assembly, assemble
from albefkit.data.base import Dataset, Split, SplitName
from albefkit.engine.checkpoint import META, WEIGHTS, Checkpoint, Checkpoints
from albefkit.engine.files import read_json
from albefkit.engine.run_directory import RunDirectory
from albefkit.interop.released import TEMPERATURE
from albefkit.interop.released_names import STUDENT, TEACHER
from albefkit.layers.weights import weights_from_elsewhere
from albefkit.recipe.load import Recipe, load_recipe, recipe_from
from albefkit.registry.errors import ComponentError, DataError, Problem

CONFIG = "config.json"
FORMAT = "albefkit-model-1"
KEYS = {"name", "step", "classes", "metrics", "provenance", "recipe"}
"""What the `config.json` of a model says besides its format."""
IN_A_FILE = ".py:"
"""In the name of a component: its class is in a file that a recipe names, not installed."""
PROVENANCE = (
    "started",
    "seed",
    "git",
    "versions",
    "python",
    "precision",
    "processes",
    "hardware",
    "components",
    "data",
    "pretrained",
)
"""What of a run's manifest travels with a model; paths and commands stay at home."""

WhichWeights = Literal["best", "last"]
Numbers = Literal["auto", "fp32", "bf16", "fp16"]
"""Which numbers to compute with; `auto` takes the fastest that are safe."""


@dataclass(frozen=True)
class Stored:
    """A trained model in a folder; its weights are not read yet.

    Args:
        path: the folder.
        recipe: what it was trained by.
        classes: what the numbers of its labels stand for, or what may be answered.
        tokenizer: its file, or None where the model reads no texts.
        weights: the file of tensors.
        step: optimizer steps that the weights have taken, or None where unknown.
        metrics: what the run measured at its end, by evaluator; `train` says after how many steps.
        provenance: the part of the run's manifest that `PROVENANCE` names.
    """

    path: Path
    recipe: Recipe
    classes: tuple[str, ...]
    tokenizer: Path | None
    weights: Path
    step: int | None
    metrics: dict[str, dict[str, float]]
    provenance: dict[str, Any]

    def numbers(self, device: str) -> Numbers:
        """Those it was trained with, if that was on such a device (`cpu`, `cuda`)."""
        trained_on = self.provenance.get("hardware", {}).get("device")
        return self.provenance.get("precision", "auto") if trained_on == device else "auto"


def find_stored(path: str | Path, which: WhichWeights = "best", sets: Sequence[str] = ()) -> Stored:
    """Look at a trained model.

    Args:
        path: the folder of a run, of one of its checkpoints, or of `save_pretrained`.
        which: of a run: its best checkpoint (its last, where none was found best), or its last.
        sets: edits of the recipe, as for `load_recipe`.

    Raises:
        ComponentError: there is no trained model.
        RecipeError: its recipe cannot be read here.
    """
    path = Path(path).expanduser()
    if (path / CONFIG).is_file():
        return _exported(path, sets)
    if RunDirectory(path).resolved.is_file():
        checkpoints = Checkpoints(RunDirectory(path).checkpoints, 1)
        best = checkpoints.best() if which == "best" else None
        return _of_run(path, best or checkpoints.last(), sets)
    if (path / META).is_file() and RunDirectory(path.parent.parent).resolved.is_file():
        return _of_run(path.parent.parent, Checkpoint(path), sets)
    message = "holds no trained model" if path.exists() else "does not exist"
    hint = "Give the folder of a run, or of save_pretrained; released files go through convert."
    raise ComponentError(Problem("", str(path), message, hint))


def rebuild(stored: Stored) -> Assembly:
    """The parts of a trained model, its weights in them; its data need not be there any more.

    Raises:
        ComponentError: its tokenizer is gone, or a part of it is not installed here.
        DataError: its weights are damaged, or another model's.
    """
    if stored.recipe.settings.model.text is not None and stored.tokenizer is None:
        message = "has no tokenizer.json, and words without their numbers mean nothing"
        raise ComponentError(Problem("", str(stored.path), message))
    with weights_from_elsewhere():
        assembly = assemble(
            stored.recipe,
            tokenizer_file=stored.tokenizer,
            inherit=False,
            dataset=_Remembered(stored.recipe.settings.data.build({}), stored.classes),
        )
    _fill(assembly.pretrainer, stored.weights)
    assembly.pretrainer.eval()
    return assembly


def has_teacher(stored: Stored) -> bool:
    """Whether the teacher's weights were kept, as runs do; models for others to use do not."""
    with safe_open(stored.weights, framework="pt") as tensors:
        return any(name.startswith(TEACHER) for name in tensors.keys())  # noqa: SIM118 - no mapping


def read_config(path: Path) -> dict[str, Any] | None:
    """The `config.json` of a folder if it is of a model of ours."""
    try:
        config = read_json(path / CONFIG)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return config if isinstance(config, dict) and config.get("format") == FORMAT else None


def _of_run(path: Path, checkpoint: Checkpoint | None, sets: Sequence[str]) -> Stored:
    if checkpoint is None:
        message, hint = "this run has no checkpoint yet", "Wait for its first one."
        raise ComponentError(Problem("", str(path), message, hint))
    directory = RunDirectory(path)
    recipe = load_recipe(directory.resolved, sets=sets)
    manifest = _read(directory.manifest, {})
    meta = checkpoint.meta()
    provenance = {key: manifest[key] for key in PROVENANCE if key in manifest}
    return Stored(
        path=path,
        recipe=replace(recipe, name=meta.get("recipe", path.resolve().name)),
        classes=_classes(directory, recipe),
        tokenizer=_file(directory.tokenizer),
        weights=checkpoint.path / WEIGHTS,
        step=meta.get("step"),
        metrics=_read(directory.summary, {}),
        provenance=provenance,
    )


def _classes(directory: RunDirectory, recipe: Recipe) -> tuple[str, ...]:
    """What the run wrote down, else what its data say as long as they are there."""
    if directory.classes.is_file():
        return tuple(read_json(directory.classes))
    try:
        return recipe.settings.data.build({}).classes
    except DataError:
        return ()


def _exported(path: Path, sets: Sequence[str]) -> Stored:
    config = read_config(path)
    if config is None or not config.keys() >= KEYS:
        message = f"its {CONFIG} is not of a model that albefkit saved"
        raise ComponentError(Problem("", str(path), message))
    if found := in_a_file(config["recipe"]):
        message = f"names a component in a file, '{found}': loading it would run that file"
        hint = "Components travel as installed packages: see CONTRIBUTING.md."
        raise ComponentError(Problem("", str(path / CONFIG), message, hint))
    recipe = recipe_from(config["recipe"], path / CONFIG, sets)
    return Stored(
        path=path,
        recipe=replace(recipe, name=config["name"]),
        classes=tuple(config["classes"]),
        tokenizer=_file(RunDirectory(path).tokenizer),
        weights=path / WEIGHTS,
        step=config["step"],
        metrics=config["metrics"],
        provenance=config["provenance"],
    )


def in_a_file(value: Any) -> str | None:
    """The first text in plain values that could name a component in a file, or None."""
    if isinstance(value, str):
        return value if IN_A_FILE in value else None
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for part in parts if (found := in_a_file(part))), None)


def _fill(pretrainer: nn.Module, file: Path) -> None:
    """Weights into their places; teacher and keys may stay as they are: see `has_teacher`."""
    try:
        missing, _ = load_model(pretrainer, file, strict=False)
    except (OSError, RuntimeError, SafetensorError) as error:
        lines = str(error).splitlines()
        detail = " ".join(line.strip() for line in lines[:2])
        message = f"these weights cannot be loaded: {detail}"
        raise DataError(Problem("", str(file), message)) from error
    lost = [name for name in missing if name.startswith(STUDENT) or name == TEMPERATURE]
    if lost:
        message = f"{len(lost)} tensors are not there, {min(lost)} among them"
        raise DataError(Problem("", str(file), message, "The file is of another model."))


def _read(path: Path, otherwise: Any) -> Any:
    return read_json(path) if path.is_file() else otherwise


def _file(path: Path) -> Path | None:
    return path if path.is_file() else None


class _Remembered(Dataset):
    """A dataset that knows what its files said, so that they may be gone.

    Args:
        dataset: as the recipe makes it; its files are not looked at.
        classes: what they said.
    """

    def __init__(self, dataset: Dataset, classes: tuple[str, ...]) -> None:
        self._dataset, self._classes = dataset, classes

    @property
    def classes(self) -> tuple[str, ...]:
        return self._classes

    @property
    def images_per_text(self) -> int:
        return self._dataset.images_per_text

    def split(self, name: SplitName) -> Split:
        return self._dataset.split(name)
