"""The image tower of an OpenCLIP model, every token of it."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.constants import ENDPOINT
from torch import Tensor

from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.positions import interpolate_positions
from albefkit.layers.ranges import Count
from albefkit.layers.weights import Absence, Pretrained, Source, cached, choose, unreachable
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Encoded
from albefkit.vision.base import VisionEncoder

LOCAL, HUB = "local-dir:", "hf-hub:"
POSITIONS = "positional_embedding"
HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


class OpenClipTower(VisionEncoder):
    """The vision transformer of an OpenCLIP model, before its projection.

    Args:
        name: as open_clip knows it, e.g. ViT-B-16, or local-dir:FOLDER.
        weights: the tag of pretrained weights, e.g. openai, laion2b_s34b_b88k, or a file.
        image_size: side of the square images, in pixels; empty takes the model's own.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random.
    """

    def __init__(
        self,
        *,
        name: str = "ViT-B-16",
        weights: str = "openai",
        image_size: Count | None = None,
        pretrained: Pretrained = "auto",
    ) -> None:
        super().__init__()
        import open_clip

        model = _create(name, weights, load=False, image_size=image_size)
        self.model = _transformer(model.visual, name)
        preprocess = open_clip.get_model_preprocess_cfg(model)
        self.mean, self.std = tuple(preprocess["mean"]), tuple(preprocess["std"])
        self.image_size = int(self.model.image_size[0])
        self.grid = tuple(self.model.grid_size)
        self.prefix_tokens = 1
        self.width = int(self.model.positional_embedding.shape[1])
        found = choose(pretrained, f"open_clip {name}", lambda: _find(name, weights))
        self.load_report = self._load(name, weights, found)

    def forward(self, images: Tensor) -> Encoded:
        """Encode `(R, 3, H, W)`; all tokens are real, so there is no mask."""
        seen = self.model.forward_intermediates(
            images,
            indices=1,
            normalize_intermediates=True,
            intermediates_only=True,
            output_fmt="NLC",
            output_extra_tokens=True,
        )
        prefix, patches = seen["image_intermediates_prefix"][-1], seen["image_intermediates"][-1]
        tokens = torch.cat([prefix, patches], dim=1)
        return Encoded(tokens, None, tokens[:, 0])

    def _load(self, name: str, weights: str, found: Source | Absence) -> LoadReport:
        if isinstance(found, Absence):
            return LoadReport(reason=found.reason)
        theirs = _create(name, weights, load=True).visual.state_dict()
        theirs.pop("proj", None)
        report = load_tensors(self.model, theirs, source=found.name, fit=self._fit)
        return report.require(self.model.state_dict())

    def _fit(self, name: str, theirs: Tensor, ours: Tensor) -> Tensor | None:
        square = theirs.dim() == 2 and math.isqrt(len(theirs) - 1) ** 2 == len(theirs) - 1
        if name != POSITIONS or not square or theirs.shape[1] != ours.shape[1]:
            return None
        assert self.grid is not None
        return interpolate_positions(theirs[None], self.grid, self.prefix_tokens)[0]


def _create(name: str, weights: str, load: bool, image_size: int | None = None) -> Any:
    """A CLIP model of open_clip; its text half is thrown away by the caller."""
    import open_clip

    bare = not name.startswith((LOCAL, HUB))
    if bare and name not in open_clip.list_models():
        hint = "open_clip.list_models() lists them; local-dir:FOLDER reads a folder."
        raise ComponentError(Problem("", "", f"open_clip has no model '{name}'", hint))
    quick = bool(open_clip.get_pretrained_cfg(name, weights).get("quick_gelu")) if bare else False
    try:
        with _quiet():
            return open_clip.create_model(
                name,
                pretrained=weights if bare and load else None,
                load_weights=load,
                require_pretrained=load,
                force_quick_gelu=quick,
                force_image_size=image_size,
                pretrained_text=False,
            )
    except Exception as error:  # network, cache, format: whatever open_clip raises
        message = f"open_clip cannot make {name}: {str(error).partition(chr(10))[0]}"
        raise ComponentError(message) from error


def _transformer(visual: Any, name: str) -> Any:
    """The tower without its projection, if it is a plain transformer."""
    plain = hasattr(visual, POSITIONS) and getattr(visual, "attn_pool", None) is None
    if not plain:
        message = f"the image tower of {name} is no plain vision transformer"
        hint = "Take a ViT-* model, or 'type: timm' with the tower's name in timm."
        raise ComponentError(Problem("", "", message, hint))
    visual.prune_intermediate_layers(len(visual.transformer.resblocks), prune_head=True)
    return visual


def _find(name: str, weights: str) -> Source | Absence:
    import open_clip

    if name.startswith(LOCAL):
        return Source(name.removeprefix(LOCAL), offline=True)
    if name.startswith(HUB):
        reason = unreachable(ENDPOINT)
        return Absence(reason) if reason else Source(name, offline=False)
    if Path(weights).is_file():
        return Source(weights, offline=True)
    config = open_clip.get_pretrained_cfg(name, weights)
    if not config:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        return Absence(f"{name} has no weights '{weights}'; there are: {tags}")
    repository, _, file = config.get("hf_hub", "").rpartition("/")
    if repository and any(cached(repository, each) for each in ((file,) if file else HUB_FILES)):
        return Source(f"{repository} ({weights})", offline=True)
    reason = unreachable(ENDPOINT if repository else config["url"])
    return Absence(reason) if reason else Source(f"{name} ({weights})", offline=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """The library warns of random weights also where they are about to be replaced."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
