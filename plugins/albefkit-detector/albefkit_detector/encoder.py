"""Regions of a picture as tokens."""

from __future__ import annotations

import torch
from albefkit.layers.ranges import Chance, Count
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Encoded
from albefkit.vision.base import VisionEncoder
from torch import Tensor, nn

PLACE_NUMBERS = 7
"""Left, top, right, bottom, width, height, area."""


class RegionEncoder(VisionEncoder):
    """Regions as tokens: what a detector saw in each, and where (UNITER section 3.1).

    Both are mapped to the width of a token and normalised, and so is their sum. The summary of a
    picture is the mean of its tokens. Pixels are not looked at.

    Args:
        features: F, size of a region's features: 128 of the detector of drawn scenes, 1024 of
            torchvision's.
        width: size of a token.
        dropout: of the tokens, 0 to 1.
    """

    reads = ("regions", "region_boxes", "region_mask")

    image_size = 32
    """Every batch carries pictures; nobody looks at these, so that they may be small."""

    def __init__(
        self, *, features: Count = 1024, width: Count = 768, dropout: Chance = 0.1
    ) -> None:
        super().__init__()
        self.features, self.width = features, width
        self.feature = nn.Linear(features, width)
        self.feature_norm = nn.LayerNorm(width, eps=1e-12)
        self.place = nn.Linear(PLACE_NUMBERS, width)
        self.place_norm = nn.LayerNorm(width, eps=1e-12)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, regions: Tensor, boxes: Tensor, mask: Tensor) -> Encoded:
        """Encode R pictures.

        Args:
            regions: `(R, N, F)`.
            boxes: `(R, N, 4)`, left, top, right, bottom, as shares of the picture's sides.
            mask: `(R, N)` bool, true where a region is real.

        Raises:
            ComponentError: regions have another size than the recipe says.
        """
        if regions.shape[2] != self.features:
            message = f"these regions have {regions.shape[2]} features each, not {self.features}"
            hint = f"Say 'features: {regions.shape[2]}', or take the regions of another detector."
            raise ComponentError(Problem("", "model.vision.features", message, hint))
        seen = self.feature_norm(self.feature(regions))
        where = self.place_norm(self.place(place_numbers(boxes)))
        tokens = self.dropout(self.norm(seen + where))
        share = mask / mask.sum(1, keepdim=True).clamp(min=1)
        return Encoded(tokens, mask, (share[..., None] * tokens).sum(1))


def place_numbers(boxes: Tensor) -> Tensor:
    """Boxes `(..., 4)` as left, top, right, bottom, width, height, area: `(..., 7)`."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return torch.cat([boxes, sides, sides.prod(-1, keepdim=True)], dim=-1)
