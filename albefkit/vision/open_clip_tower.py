"""The image tower of an OpenCLIP model, every token of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from albefkit.layers import open_clip_models
from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.open_clip_models import LEAST, require_heads
from albefkit.layers.positions import interpolate_positions
from albefkit.layers.ranges import Count
from albefkit.layers.weights import Absence, Pretrained, Source, choose
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Encoded
from albefkit.vision.base import VisionEncoder

POSITIONS = "positional_embedding"


class OpenClipTower(VisionEncoder):
    """The vision transformer of an OpenCLIP model, before its projection.

    Args:
        name: as open_clip knows it, e.g. ViT-B-16, or local-dir:FOLDER.
        weights: the tag of pretrained weights, e.g. openai, laion2b_s34b_b88k, or a file.
        image_size: side of the square images, in pixels; empty takes the model's own.
        patch_size: side of a patch, in pixels; empty takes the model's own.
        width: size of a token; empty takes the model's own.
        layers: how many; empty takes the model's own.
        heads: attention heads; empty keeps the model's width of a head.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random.
    """

    def __init__(
        self,
        *,
        name: str = "ViT-B-16",
        weights: str = "openai",
        image_size: Count | None = None,
        patch_size: Count | None = None,
        width: Count | None = None,
        layers: Count | None = None,
        heads: Count | None = None,
        pretrained: Pretrained = "auto",
    ) -> None:
        super().__init__()
        import open_clip

        pixels = {"image_size": image_size, "patch_size": patch_size}
        sizes = pixels | {"width": width, "layers": layers}
        model = open_clip_models.create(name, weights, _shape(name, sizes, heads))
        self.model = _transformer(model.visual, name)
        preprocess = open_clip.get_model_preprocess_cfg(model)
        self.mean, self.std = tuple(preprocess["mean"]), tuple(preprocess["std"])
        self.image_size = int(self.model.image_size[0])
        self.grid = tuple(self.model.grid_size)
        self.prefix_tokens = 1
        self.width = int(self.model.positional_embedding.shape[1])
        what = f"image tower of open_clip {name}"
        found = choose(pretrained, what, lambda: open_clip_models.find(name, weights))
        self.load_report = self._load(name, weights, found)

    def checkpoint_activations(self) -> None:
        """Use open_clip's own switch: blocks are computed again on the way back."""
        self.model.set_grad_checkpointing()

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
        theirs = open_clip_models.create(name, weights).visual.state_dict()
        theirs.pop("proj", None)
        report = load_tensors(self.model, theirs, source=found.name, fit=self._fit)
        return report.require(self.model.state_dict())

    def _fit(self, name: str, theirs: Tensor, ours: Tensor) -> Tensor | None:
        square = theirs.dim() == 2 and math.isqrt(len(theirs) - 1) ** 2 == len(theirs) - 1
        if name != POSITIONS or not square or theirs.shape[1] != ours.shape[1]:
            return None
        assert self.grid is not None
        return interpolate_positions(theirs[None], self.grid, self.prefix_tokens)[0]


def _shape(name: str, sizes: Mapping[str, int | None], heads: int | None) -> dict[str, Any]:
    """The configuration with other sizes, and the least of a text tower, which nobody keeps."""
    from open_clip import CLIPVisionCfg

    vision = vars(CLIPVisionCfg()) | open_clip_models.configuration(name)["vision_cfg"]
    vision |= {key: value for key, value in sizes.items() if value is not None}
    if heads is not None or sizes["width"] is not None:
        count = heads or vision["width"] // vision["head_width"]
        require_heads(vision["width"], count)
        vision["head_width"] = vision["width"] // count
    return {"vision_cfg": vision, "text_cfg": dict(LEAST["text_cfg"])}


def _transformer(visual: Any, name: str) -> Any:
    """The tower without its projection, if it is a plain transformer."""
    plain = hasattr(visual, POSITIONS) and getattr(visual, "attn_pool", None) is None
    if not plain:
        message = f"the image tower of {name} is no plain vision transformer"
        hint = "Take a ViT-* model, or 'type: timm' with the tower's name in timm."
        raise ComponentError(Problem("", "", message, hint))
    visual.prune_intermediate_layers(len(visual.transformer.resblocks), prune_head=True)
    return visual
