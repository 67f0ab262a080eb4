"""Pretrained weights of timm models, with position embeddings resized as ALBEF resizes them."""

from __future__ import annotations

import difflib
import math
from typing import Any

from torch import Tensor, nn

from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.positions import interpolate_positions
from albefkit.layers.reaching import unreachable
from albefkit.layers.weights import Absence, Source, find_model
from albefkit.registry.errors import ComponentError, Problem

LOCAL = "local-dir:"
HUB = "hf-hub:"
POSITIONS = "pos_embed"


def check_name(name: str) -> None:
    """Refuse a name that timm does not know, with the nearest ones.

    Raises:
        ComponentError: timm has no such model.
    """
    import timm

    if name.startswith((LOCAL, HUB)) or timm.is_model(name.partition(".")[0]):
        return
    near = difflib.get_close_matches(name, timm.list_models(), n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "timm.list_models() lists them."
    raise ComponentError(Problem("", "", f"timm has no model '{name}'", hint))


def find(model: nn.Module, name: str) -> Source | Absence:
    """Look for the weights of a model that timm has made, without fetching them."""
    for prefix in (LOCAL, HUB):
        if name.startswith(prefix):
            return find_model(name.removeprefix(prefix))
    config: dict[str, Any] = getattr(model, "pretrained_cfg", {})
    if config.get("hf_hub_id"):
        return find_model(config["hf_hub_id"])
    if not config.get("url"):
        return Absence(f"timm has no pretrained weights for {name}")
    reason = unreachable(config["url"])
    return Absence(reason) if reason else Source(config["url"], offline=False)


def load(
    model: nn.Module,
    name: str,
    source: Source,
    size: dict[str, Any],
    grid: tuple[int, int] | None,
) -> LoadReport:
    """Copy pretrained weights into a model.

    Args:
        model: made by timm for any image size.
        name: as timm knows it.
        source: from `find`.
        size: the size arguments `model` took.
        grid: rows and columns of the tokens of `model`, where it has a grid.
    """
    tensors = native(name, {})
    renamed: dict[str, str] = {}
    if "norm.weight" in model.state_dict() and "fc_norm.weight" in tensors:
        # Models that pool before their last norm: here it is applied to every token.
        for part in ("weight", "bias"):
            tensors[f"norm.{part}"] = tensors.pop(f"fc_norm.{part}")
            renamed[f"norm.{part}"] = f"fc_norm.{part}"

    resized: dict[str, Tensor] = {}

    def fit(tensor_name: str, theirs: Tensor, ours: Tensor) -> Tensor | None:
        if tensor_name == POSITIONS and grid is not None and theirs.dim() == 3:
            # Not every model has a position for its prefix tokens.
            prefix = ours.shape[1] - grid[0] * grid[1]
            square = math.isqrt(theirs.shape[1] - prefix) ** 2 == theirs.shape[1] - prefix
            if square and theirs.shape[2] == ours.shape[2]:
                return interpolate_positions(theirs, grid, prefix)
        if size and not resized:
            resized.update(native(name, size))
        fitted = resized.get(tensor_name)
        return fitted if fitted is not None and fitted.shape == ours.shape else None

    return load_tensors(model, tensors, source=source.name, renamed=renamed, fit=fit)


def native(name: str, size: dict[str, Any]) -> dict[str, Tensor]:
    """The pretrained state dict, at the size it was trained for or as timm itself resizes it."""
    import timm

    try:
        return timm.create_model(name, pretrained=True, num_classes=0, **size).state_dict()
    except Exception as error:  # network, cache, format: whatever timm and the hub raise
        message = f"weights of {name} cannot be read: {error}"
        raise ComponentError(message) from error
