"""Patches of pixels and nothing more: for fusion that does all the seeing (ViLT)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from albefkit.layers.ranges import Count
from albefkit.tensors import Encoded
from albefkit.vision.base import VisionEncoder


class Patches(VisionEncoder):
    """One linear projection of patches, with a class token and positions (ViLT section 3.1).

    Args:
        image_size: side of the square images, in pixels; a multiple of `patch_size`.
        patch_size: side of a patch, in pixels.
        width: size of a token.
    """

    def __init__(
        self, *, image_size: Count = 224, patch_size: Count = 32, width: Count = 768
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise ValueError(
                f"an image of {image_size} pixels is not a whole number of {patch_size}-pixel "
                f"patches: take image_size {image_size // patch_size * patch_size or patch_size}"
            )
        side = image_size // patch_size
        self.image_size, self.width = image_size, width
        self.grid, self.prefix_tokens = (side, side), 1
        self.projection = nn.Conv2d(3, width, kernel_size=patch_size, stride=patch_size)
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, 1 + side * side, width))
        for table in (self.class_token, self.positions):
            nn.init.trunc_normal_(table, std=0.02)

    def checkpoint_activations(self) -> None:
        """There are no layers whose findings could be forgotten."""

    def forward(self, images: Tensor) -> Encoded:
        """Encode `(R, 3, H, W)`; all tokens are real, so there is no mask."""
        patches = self.projection(images).flatten(2).mT
        class_token = self.class_token.expand(len(images), -1, -1).to(patches.dtype)
        tokens = torch.cat([class_token, patches], dim=1) + self.positions
        return Encoded(tokens, None, tokens[:, 0])
