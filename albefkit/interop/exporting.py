"""From a run to a file that the released code loads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from albefkit.interop.ancestor import weights_file
from albefkit.interop.layouts import Layout, layout_of
from albefkit.interop.recognised import SPARE, is_ours
from albefkit.interop.released import FILLED, POINTER, to_released
from albefkit.interop.released_names import (
    KEYS,
    QUEUES,
    STUDENT,
    Twin,
    released_twin,
    text_layers,
    twin,
)
from albefkit.interop.released_shape import ReleasedShape, expected_names, shape_of
from albefkit.layers.weights import read_tensors
from albefkit.registry.errors import ComponentError, Problem, RecipeError

RELEASED = ReleasedShape(
    image_size=256,
    patch_size=16,
    vision_width=768,
    vision_layers=12,
    text_width=768,
    feed_forward=3072,
    fusion_feed_forward=3072,
    positions=512,
    vocabulary=30522,
    text_layers=6,
    fusion_layers=6,
    decoder_layers=6,
    shared_width=256,
    queue=65536,
    classes=None,
)
"""What the released code builds unless its own files are changed."""
FIXED = ("patch_size", "vision_width", "vision_layers", "text_width", "text_layers")
"""What of it is written in its code rather than in its configuration."""
SHOWN = 8


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        layout: for which task.
        copied: names of the teacher's tensors that the run did not have and the student gave.
        missing: names that the released code would have and the file has not.
        left: our names of tensors of the student that the task has no part for.
        notes: what else the reader of the file should know.
    """

    layout: Layout
    copied: tuple[str, ...]
    missing: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...]


def export_released(source: Path, file: Path) -> Exported:
    """Write the weights of a run with released names, under `model` as the released code reads it.

    The file appears whole or not at all. Where a run has no teacher, or only a part of one, the
    student stands for it, as in the released code's beginning.

    Args:
        source: a run's folder (its best checkpoint, else its last), a checkpoint's folder, or a
            file of tensors with our names.
        file: does not exist yet.

    Raises:
        ComponentError: there is no network that the released code knows.
        RecipeError: the file is there already, or cannot be written.
    """
    if file.exists():
        message = "is there already, and nothing is overwritten"
        raise RecipeError(Problem("TARGET", str(file), message))
    tensors = read_tensors(weights_file(source.expanduser()))
    if not is_ours(tensors):
        message = "has released names already"
        hint = "Give a folder as TARGET to convert it to a run."
        raise ComponentError(Problem("", str(source), message, hint))
    layout = layout_of(tensors)
    if layout is None:
        raise _headless(source, tensors)
    fusion_from = text_layers(tensors)
    released = to_released(tensors, layout=layout, fusion_from=fusion_from)
    shape = _shape(source, released)
    expected = expected_names(layout, shape)
    copied = _copy_teacher(released, expected)
    missing = sorted(expected - released.keys())
    strange = sorted(released.keys() - expected) + [name for name in missing if name not in SPARE]
    if strange:
        raise _other_network(source, strange)
    left = [name for name in tensors if name.startswith(STUDENT) and not _taken(name, layout)]
    _write(released, file)
    notes = tuple(_notes(tensors, shape))
    return Exported(layout, tuple(copied), tuple(missing), tuple(sorted(left)), notes)


def _shape(source: Path, released: Mapping[str, Tensor]) -> ReleasedShape:
    try:
        return shape_of(released)
    except ComponentError as error:
        hint = "It has a vision transformer and BERT; other encoders cannot be written for it."
        message = f"the released code knows no such network: {error}"
        raise ComponentError(Problem("", str(source), message, hint)) from error


def _copy_teacher(released: dict[str, Tensor], expected: set[str]) -> list[str]:
    """Give the teacher what it lacks; names of what it was given."""
    copied = []
    for name in sorted(expected - released.keys()):
        module, _, rest = name.partition(".")
        student = f"{module.removesuffix('_m')}.{rest}"
        if twin(name).teacher and student in released:
            released[name] = released[student]
            copied.append(name)
    return copied


def _taken(name: str, layout: Layout) -> bool:
    # Which layer is the first of fusion does not matter here.
    found = released_twin(name, fusion_from=1000)
    return found is not None and layout.released(Twin(found.name, False)) is not None


def _notes(tensors: Mapping[str, Tensor], shape: ReleasedShape) -> list[str]:
    notes = []
    filled, places = tensors.get(FILLED), tensors.get(KEYS + next(iter(QUEUES.values())))
    if filled is not None and places is not None and filled.item() < len(places):
        notes.append(
            f"{int(filled)} of the {len(places)} places of the queue are filled; the released code "
            "takes the rest for candidates too"
        )
    odd = [name for name in FIXED if getattr(shape, name) != getattr(RELEASED, name)]
    if odd:
        sizes = ", ".join(
            f"{name.replace('_', ' ')} {getattr(shape, name)} ({getattr(RELEASED, name)})"
            for name in odd
        )
        notes.append(f"sizes that the released code (in brackets) must be changed to: {sizes}")
    if shape.fusion_feed_forward != shape.feed_forward:
        notes.append(
            f"inner widths of the text encoder, {shape.feed_forward}, and of fusion, "
            f"{shape.fusion_feed_forward}, are one in the released code"
        )
    if POINTER not in tensors and shape.queue is None and shape.shared_width is not None:
        notes.append("there is no queue: the released code begins one, if it is not told --resume")
    return notes


def _write(released: Mapping[str, Tensor], file: Path) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"model": dict(released)}, beside)
        beside.replace(file)
    except (OSError, RuntimeError) as error:
        beside.unlink(missing_ok=True)
        message = f"cannot be written: {str(error).splitlines()[0]}"
        raise RecipeError(Problem("TARGET", str(file), message)) from error


def _headless(source: Path, tensors: Mapping[str, Tensor]) -> ComponentError:
    prefix = f"{STUDENT}heads."
    heads = {name.removeprefix(prefix).split(".")[0] for name in tensors if name.startswith(prefix)}
    there = ", ".join(sorted(heads)) or "none"
    message = f"no task of the released code has the heads of this network: {there}"
    hint = "It knows mlm and itm, itm, classification, answer, and text-assignment of two images."
    return ComponentError(Problem("", str(source), message, hint))


def _other_network(source: Path, names: list[str]) -> ComponentError:
    listed = "".join(f"\n  {name}" for name in names[:SHOWN])
    more = f"\n  and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    message = f"{len(names)} tensors are not as the released code has them:{listed}{more}"
    hint = "It has a vision transformer and BERT; other encoders cannot be written for it."
    return ComponentError(Problem("", str(source), message, hint))
