"""Checkpoints of the released ALBEF, in and out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from albefkit.interop import released_names as names
from albefkit.interop.layouts import PRETRAIN, Layout
from albefkit.layers.load_report import LoadReport, TensorFate
from albefkit.layers.loading import load_tensors
from albefkit.layers.positions import interpolate_positions
from albefkit.layers.weights import read_tensors
from albefkit.registry.errors import ComponentError

TEMPERATURE = "space.temperature"
POINTER, FILLED, IMAGE_ID = (names.KEYS + name for name in ("pointer", "filled", "image_id"))
CLASS_TOKENS = 1
"""Position embeddings before those of the grid, in the released vision transformer."""


def read_released(path: Path) -> dict[str, Tensor]:
    """Read the state dict of a released checkpoint, with the released names.

    Args:
        path: `.pth` with the state dict under `model` or bare, or `.safetensors`.

    Raises:
        ComponentError: the file is missing, broken, or would have to execute code to be read.
    """
    return read_tensors(path)


def from_released(
    tensors: Mapping[str, Tensor], *, fusion_from: int | None = None
) -> dict[str, Tensor]:
    """A released state dict as that of a `Pretrainer`.

    A queue counts as full. Second names of tied tensors, `position_ids` and what we have no part
    for are left out.

    Args:
        tensors: with released names, of pre-training or of any task (`layouts`).
        fusion_from: the text encoder's first layer with cross-attention; found if None.

    Raises:
        ComponentError: no layer has cross-attention.
    """
    return {ours: tensor for ours, (_, tensor) in _converted(tensors, fusion_from).items()}


def to_released(
    tensors: Mapping[str, Tensor], *, layout: Layout = PRETRAIN, fusion_from: int = 6
) -> dict[str, Tensor]:
    """The state dict of a `Pretrainer` as the released code of a task loads it, strictly.

    Args:
        tensors: with our names; those the task has no part for are left out.
        layout: of which task.
        fusion_from: how many layers the text encoder has.
    """
    found: dict[names.Twin, Tensor] = {}
    for ours, tensor in _shared_by_all(tensors, layout.images).items():
        name = names.released_twin(ours, fusion_from)
        if name is not None:
            found[name] = tensor
    for network in (False, True):
        for second, first in names.TIED.items():
            source = names.Twin(first, network)
            if source in found and source.word_head in found:
                found[names.Twin(second, network)] = found[source]
        for ids, table in names.POSITION_IDS.items():
            if (positions := found.get(names.Twin(table, network))) is not None:
                found[names.Twin(ids, network)] = torch.arange(len(positions))[None]
    for name, tensor in _space(tensors).items():
        found[names.Twin(name, False)] = tensor
    spelled = {layout.released(name): tensor for name, tensor in found.items()}
    return {name: tensor for name, tensor in spelled.items() if name is not None}


def load_released(
    pretrainer: nn.Module, tensors: Mapping[str, Tensor], *, fusion_from: int | None = None
) -> LoadReport:
    """Load a released state dict into a `Pretrainer` (or a module with the same names in it).

    Position embeddings are resized to the vision encoder's image size (spec 1.2); a queue of
    another length is left behind.

    Args:
        pretrainer: has `student`, and what else of `teacher` and `space` the recipe asked for.
        tensors: from `read_released`.
        fusion_from: the text encoder's first layer with cross-attention; found if None.

    Raises:
        ComponentError: a tensor of student or teacher is not in the checkpoint, or does not fit.
    """
    converted = _converted(tensors, fusion_from)
    ours = pretrainer.state_dict()
    for queue in names.QUEUES.values():
        name = names.KEYS + queue
        if name in converted and name in ours and converted[name][1].shape != ours[name].shape:
            converted = {k: v for k, v in converted.items() if not k.startswith(names.KEYS)}
    report = load_tensors(
        pretrainer,
        {name: tensor for name, (_, tensor) in converted.items()},
        source="released ALBEF",
        renamed={name: theirs for name, (theirs, _) in converted.items()},
        fit=fit_positions,
    )
    taken = {theirs for theirs, _ in converted.values()}
    for name in tensors:
        plain = names.twin(name).name
        if name not in taken and plain not in names.TIED and plain not in names.POSITION_IDS:
            report.tensors[name] = TensorFate("dropped", "no part for it")
    backbone = [name for name in ours if name.startswith((names.STUDENT, names.TEACHER))]
    return report.require(backbone)


def _converted(
    tensors: Mapping[str, Tensor], fusion_from: int | None
) -> dict[str, tuple[str, Tensor]]:
    """Our name -> released name and the tensor in our layout."""
    if fusion_from is None:
        try:
            fusion_from = names.first_fusion_layer(tensors)
        except ValueError as error:
            raise ComponentError(str(error)) from error
    converted: dict[str, tuple[str, Tensor]] = {}
    for released, tensor in tensors.items():
        ours = names.our_name(released, fusion_from)
        if ours is not None:
            converted[ours] = released, tensor
    for queue, ours in names.QUEUES.items():
        if queue in tensors:
            rows = tensors[queue].T.contiguous()
            converted[names.KEYS + ours] = queue, rows
            converted[FILLED] = queue, torch.tensor(len(rows))
    if "queue_ptr" in tensors:
        converted[POINTER] = "queue_ptr", tensors["queue_ptr"].reshape(())
    if "idx_queue" in tensors:
        converted[IMAGE_ID] = "idx_queue", tensors["idx_queue"].reshape(-1)
    if "temp" in tensors:
        converted[TEMPERATURE] = "temp", tensors["temp"].reshape(())
    return converted


def _space(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Temperature and queue by their released names."""
    released: dict[str, Tensor] = {}
    for queue, ours in names.QUEUES.items():
        if names.KEYS + ours in tensors:
            released[queue] = tensors[names.KEYS + ours].T.contiguous()
    flat = {
        "queue_ptr": (POINTER, (1,)),
        "idx_queue": (IMAGE_ID, (1, -1)),
        "temp": (TEMPERATURE, ()),
    }
    for name, (ours, shape) in flat.items():
        if ours in tensors:
            released[name] = tensors[ours].reshape(shape)
    return released


def _shared_by_all(tensors: Mapping[str, Tensor], images: int) -> dict[str, Tensor]:
    """The same, with what the layers of a group share under the name of each of them.

    Files keep a shared tensor under one of its names.
    """
    whole = dict(tensors)
    for name, tensor in tensors.items():
        if found := names.SHARED.fullmatch(name):
            first = int(found[2]) // images * images
            for layer in range(first, first + images):
                whole.setdefault(f"{found[1]}{layer}{found[3]}", tensor)
    return whole


def without_copies(tensors: Mapping[str, Tensor], images: int) -> dict[str, Tensor]:
    """The same, with what the layers of a group share under the name of the first only.

    Args:
        tensors: by name in a `Pretrainer`; each gets memory of its own, as files want it.
        images: how many layers make a group.
    """
    single: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        found = names.SHARED.fullmatch(name)
        if found and int(found[2]) % images:
            first = f"{found[1]}{int(found[2]) // images * images}{found[3]}"
            if first in tensors and torch.equal(tensors[first], tensor):
                continue
        single[name] = tensor.clone(memory_format=torch.contiguous_format)
    return single


def fit_positions(name: str, theirs: Tensor, ours: Tensor) -> Tensor | None:
    """Position embeddings of another image size, resized to ours (spec 1.2); None for the rest."""
    if not name.endswith("vision.model.pos_embed") or theirs.shape[2] != ours.shape[2]:
        return None
    side = math.isqrt(ours.shape[1] - CLASS_TOKENS)
    if side * side != ours.shape[1] - CLASS_TOKENS:
        return None
    return interpolate_positions(theirs, (side, side), CLASS_TOKENS)
