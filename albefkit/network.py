"""A network: everything about a batch that student and teacher both can say."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.fusion.base import Fusion
from albefkit.tensors import Encoded
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

PARTS: Mapping[str, tuple[str, ...]] = {
    "vision": ("vision",),
    "text": ("text",),
    "fusion": ("fusion",),
    "projections": ("image_projection", "text_projection"),
}
"""Part of a network -> its attributes; heads are named `heads.<objective>`."""


class Network(nn.Module):
    """Encoders, fusion, projections into the shared space, and one head per objective.

    Only the parts that somebody needs are there. What belongs to a question rather than to the
    answer (temperature, keys, probabilities) lives elsewhere, so that a teacher can mirror a
    network.

    Args:
        vision: image encoder, or None.
        text: text encoder, or None.
        fusion: fusion encoder, or None.
        shared_width: E, the width of the shared space, or None when nothing is aligned.
    """

    def __init__(
        self,
        vision: VisionEncoder | None,
        text: TextEncoder | None,
        fusion: Fusion | None,
        shared_width: int | None,
    ) -> None:
        super().__init__()
        self.vision = vision
        self.text = text
        self.fusion = fusion
        self.image_projection = (
            nn.Linear(vision.width, shared_width) if vision and shared_width else None
        )
        self.text_projection = (
            nn.Linear(text.width, shared_width) if text and shared_width else None
        )
        self.heads = nn.ModuleDict()

    def image_features(self, image: Encoded) -> Tensor:
        """Unit vectors `(R, E)` in the shared space (paper section 3.1: g_v)."""
        assert self.image_projection is not None
        return F.normalize(
            self.image_projection(image.pooled.to(self.image_projection.weight)), dim=-1
        )

    def text_features(self, text: Encoded) -> Tensor:
        """Unit vectors `(R, E)` in the shared space (paper section 3.1: g_w)."""
        assert self.text_projection is not None
        return F.normalize(
            self.text_projection(text.pooled.to(self.text_projection.weight)), dim=-1
        )

    def mirror(self, parts: Collection[str]) -> Network:
        """A copy of the named parts that takes no gradient, in one deep copy so that weights that
        parts share stay shared: `vision`, `text`, `fusion`, `projections`, `heads.<objective>`.
        """
        mirrored = copy.deepcopy(self)
        for part, attributes in PARTS.items():
            for attribute in attributes if part not in parts else ():
                setattr(mirrored, attribute, None)
        for name in self.heads:
            if f"heads.{name}" not in parts:
                del mirrored.heads[name]
        return mirrored.requires_grad_(False)
