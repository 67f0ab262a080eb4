"""Pretrained weights of vision transformers: safetensors, at the image size of the recipe."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import huggingface_hub
from albefkit.layers import transformers_models as hub
from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.weights import Absence, Source, cached, find_model
from torch import Tensor

SAFE_FILES = ("model.safetensors", "model.safetensors.index.json")


def find(name: str) -> Source | Absence:
    """Look for a model with safetensors, without waiting long and without fetching it."""
    found = find_model(name)
    if isinstance(found, Absence):
        return found
    folder = Path(found.name)
    if folder.is_dir():
        safe = any((folder / file).is_file() for file in SAFE_FILES)
    elif found.offline:
        safe = any(cached(found.name, file) for file in SAFE_FILES)
    else:
        safe = any(huggingface_hub.file_exists(found.name, file) for file in SAFE_FILES)
    return found if safe else Absence(f"{name} has no safetensors, and nothing else is read")


def load(model: Any, config: Any, source: Source, optional: Collection[str]) -> LoadReport:
    """Copy pretrained weights into a model, with positions as its own family resizes them.

    Args:
        model: takes them, for any image size.
        config: as `model`'s, at the image size that the weights were trained at.
        source: from `find`.
        optional: names of weights that need not be there.

    Raises:
        ComponentError: they cannot be read, or some of the backbone are not there.
    """
    theirs, read = hub.pretrained_model(config, source)
    read.require(theirs.state_dict(), allowed=optional)

    def fit(name: str, table: Tensor, ours: Tensor) -> Tensor | None:
        if not name.startswith("embeddings.position"):
            return None
        return _resized(theirs.embeddings, ours, model.config.image_size)

    report = load_tensors(model, theirs.state_dict(), source=source.name, fit=fit)
    report.tensors |= {name: read.tensors[name] for name in read.names("dropped")}
    return report.require(model.state_dict(), allowed=optional)


def trained_pixels(source: Source) -> tuple[list[float], list[float]] | None:
    """Mean and deviation of the pixels that weights were trained on; None where nobody says."""
    from transformers import ImageProcessingMixin

    try:
        said, _ = ImageProcessingMixin.get_image_processor_dict(
            source.name, local_files_only=source.offline
        )
    except OSError:
        return None
    mean, std = said.get("image_mean"), said.get("image_std")
    return (list(mean), list(std)) if mean and std else None


def _resized(embeddings: Any, ours: Tensor, side: int) -> Tensor | None:
    """A family's table of positions for square images of `side` pixels, where it resizes any."""
    resize = getattr(embeddings, "interpolate_pos_encoding", None)
    if resize is None:
        return None
    # It asks how many tokens there are, and how wide.
    table = resize(ours.new_empty(1, *ours.shape[-2:]), side, side)
    return table.reshape(ours.shape) if table.numel() == ours.numel() else None
