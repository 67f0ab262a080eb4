"""From a released checkpoint to the folder of a run."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

import tokenizers
import torch
from safetensors.torch import save_file
from torch import nn

from albefkit.data import entailment, nlvr
from albefkit.data.answer_list import read_answer_list
from albefkit.distributed import World
from albefkit.engine.checkpoint import META, WEIGHTS
from albefkit.engine.files import require_free, write_json, write_text
from albefkit.engine.manifest import component_list, environment
from albefkit.engine.precision import Precision
from albefkit.engine.run_directory import RunDirectory
from albefkit.interop.layouts import NLVR, VQA
from albefkit.interop.recognised import Recognised, is_ours, recognise
from albefkit.interop.released import without_copies
from albefkit.interop.released_recipe import TEXT, released_recipe
from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.weights import Source, find_model, read_checkpoint
from albefkit.models.stored import find_stored, rebuild
from albefkit.recipe.load import Recipe, load_recipe
from albefkit.registry.errors import ComponentError, DataError, Problem, RecipeError
from albefkit.text.choice import from_path, from_transformers
from albefkit.text.tokenizer import Roles, Tokenizer

STEP = "step_00000000"
NUMBERS = "fp32"
"""What a released checkpoint was saved in."""


@dataclass(frozen=True)
class Wishes:
    """What a released checkpoint does not say itself.

    Args:
        tokenizer: a `vocab.txt` or `tokenizer.json`; None: bert-base-uncased's, if it can be had.
        answers: JSON list of the answers that may be chosen, for question answering.
        heads: of attention; None: one for every 64 of the width, as released.
    """

    tokenizer: Path | None = None
    answers: Path | None = None
    heads: int | None = None


@dataclass(frozen=True)
class Converted:
    """What was written.

    Args:
        recognised: the checkpoint.
        report: what became of its tensors.
        tokenizer: whose it is, or None where there is none.
    """

    recognised: Recognised
    report: LoadReport
    tokenizer: str | None


def convert_released(source: Path, folder: Path, wishes: Wishes) -> Converted:
    """Write a released checkpoint as the folder of a run that took no step.

    It appears whole or not at all. All tensors are kept, the unused ones of the teacher too.

    Args:
        source: a file with released names.
        folder: new or empty.
        wishes: what the file does not say.

    Raises:
        ComponentError: it is no such file, not whole, or not of the shape that was wished for.
        RecipeError: the folder is taken.
    """
    tensors, beside = read_checkpoint(source)
    if is_ours(tensors):
        message = "has albefkit's own names already"
        hint = "Give a .pth file as TARGET to write it with released names."
        raise ComponentError(Problem("", str(source), message, hint))
    found = recognise(source, tensors, beside).require_whole()
    tokenizer = _tokenizer(found, wishes.tokenizer)
    classes = _classes(found, wishes.answers)
    with appearing(folder) as beside_it:
        directory = RunDirectory(beside_it)
        recipe = _write_recipe(directory, found, wishes.heads)
        _write_checkpoint(directory.checkpoints, found, recipe)
        write_json(directory.classes, classes)
        (tokenizer or _stand_in(found.shape.vocabulary)).save(directory.tokenizer)
        report = load_tensors(_rebuilt(beside_it, source), found.ours, source=source.name)
        if tokenizer is None:
            directory.tokenizer.unlink()
        origin = None if tokenizer is None else tokenizer.origin
        write_json(directory.manifest, _manifest(found, recipe, report, origin, folder))
        directory.status = "done"
    return Converted(found, report, origin)


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write in, which takes its name at the end, or disappears.

    Raises:
        RecipeError: there is something in the folder already, or it cannot be made.
    """
    require_free(folder, "TARGET")
    folder = folder.absolute()
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        beside.mkdir(parents=True)
        yield beside
        beside.replace(folder)
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}"
        raise RecipeError(Problem("TARGET", str(folder), message)) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _rebuilt(folder: Path, source: Path) -> nn.Module:
    """What was written, read again through the door that everybody uses.

    Raises:
        ComponentError: it cannot be read.
    """
    try:
        return rebuild(find_stored(folder)).pretrainer
    except DataError as error:
        message = f"is not what its sizes let expect: {error.problems[0].message}"
        raise ComponentError(Problem("", str(source), message)) from error


def _write_recipe(directory: RunDirectory, found: Recognised, heads: int | None) -> Recipe:
    text = released_recipe(
        found.layout,
        found.shape,
        source=found.path,
        temperature=found.temperature,
        heads=heads,
    )
    write_text(directory.recipe, text)
    recipe = replace(load_recipe(directory.recipe), name=found.path.stem)
    write_text(directory.resolved, recipe.to_yaml())
    return recipe


def _write_checkpoint(folder: Path, found: Recognised, recipe: Recipe) -> None:
    """Weights and what is known about them; there is no optimizer to go on with."""
    checkpoint = folder / STEP
    checkpoint.mkdir(parents=True)
    tensors = without_copies(found.ours, found.layout.images)
    save_file(tensors, checkpoint / WEIGHTS, metadata={"step": "0"})
    known = {
        "step": 0,
        "recipe": recipe.name,
        "hash": recipe.hash,
        "seed": recipe.settings.train.seed,
        "precision": NUMBERS,
        "processes": 1,
        "epoch": 0.0,
        "score": None,
    }
    write_json(checkpoint / META, known)
    write_text(folder / "last", checkpoint.name + "\n")


def _manifest(
    found: Recognised, recipe: Recipe, report: LoadReport, tokenizer: str | None, folder: Path
) -> dict[str, Any]:
    with found.path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    epoch = found.beside.get("epoch")
    return {
        "recipe": {
            "name": recipe.name,
            "source": str(RunDirectory(folder).recipe),
            "hash": recipe.hash,
        },
        "command": shlex.join(sys.argv),
        "seed": recipe.settings.train.seed,
        **environment(Precision(NUMBERS, torch.device("cpu")), World()),
        "components": component_list(recipe.components()),
        "data": {"type": recipe.settings.data.name, "train": None},
        "converted": {
            "file": str(found.path.resolve()),
            "sha256": digest,
            "layout": found.layout.name,
            "epoch": epoch if isinstance(epoch, int) else None,
            "pretraining": found.pretraining,
            "missing": list(found.missing),
            "unknown": list(found.unknown),
            "tokenizer": tokenizer or "none",
        },
        "pretrained": True,
        "load_reports": {"init": report.as_dict()},
    }


def _tokenizer(found: Recognised, wish: Path | None) -> Tokenizer | None:
    """The tokenizer that is wished for, or bert-base-uncased's where it can be had and fits."""
    vocabulary = found.shape.vocabulary
    if wish is not None:
        tokenizer = from_path(wish.expanduser())
        if tokenizer.vocabulary_size != vocabulary:
            message = (
                f"has {tokenizer.vocabulary_size} entries, and {found.path.name} has embeddings "
                f"of {vocabulary} words"
            )
            raise ComponentError(Problem("--tokenizer", str(wish), message))
        return tokenizer
    where = find_model(TEXT, weights=False)
    if not isinstance(where, Source):
        return None
    try:
        tokenizer = from_transformers(where.name, where.offline)
    except ComponentError:
        return None
    return tokenizer if tokenizer.vocabulary_size == vocabulary else None


def _stand_in(vocabulary: int) -> Tokenizer:
    """A tokenizer of nothing but a size, to see whether everything else fits."""
    entries = [*Roles().entries, *(f"entry{n}" for n in range(vocabulary))][:vocabulary]
    words = {entry: number for number, entry in enumerate(entries)}
    inner = tokenizers.models.WordPiece(words, unk_token=Roles().unk)
    return Tokenizer(tokenizers.Tokenizer(inner))


def _classes(found: Recognised, answers: Path | None) -> Sequence[str]:
    """What the numbers of labels stand for; numbers where the released code does not say."""
    if answers is not None:
        if found.layout is not VQA:
            message = f"{found.path.name} is for {found.layout.name}, and answers no questions"
            raise RecipeError(Problem("--answers", str(answers), message))
        return read_answer_list(answers)
    known = nlvr.CLASSES if found.layout is NLVR else entailment.CLASSES
    classes = found.shape.classes or 0
    return known if classes == len(known) else [str(number) for number in range(classes)]
