"""The smallest encoders and fusion that see, read and mix: named by their file, not by a recipe."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.fusion.base import Fusion
from albefkit.tensors import Encoded, Fused
from albefkit.text.base import TextEncoder
from albefkit.text.embeddings import Embeddings
from albefkit.vision.base import VisionEncoder
from albefkit.vision.patches import Patches


class _MicroVision(Patches):
    """Patches whose mean is the summary of an image."""

    def forward(self, images: Tensor) -> Encoded:
        tokens = super().forward(images).tokens
        return Encoded(tokens, None, tokens.mean(1))


class _MicroText(Embeddings):
    """Words whose mean is the summary of a text."""

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        tokens = super().forward(ids, mask).tokens
        share = mask / mask.sum(1, keepdim=True)
        return Encoded(tokens, mask, (share[..., None] * tokens).sum(1))


class _MicroFusion(Fusion):
    """One layer of attention over words and image tokens; every weight is part of every token."""

    def __init__(self, vision: VisionEncoder, text: TextEncoder) -> None:
        super().__init__()
        self.width = text.width
        self.image_projection = nn.Linear(vision.width, text.width)
        self.attended, self.values = (nn.Linear(text.width, text.width) for _ in range(2))

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        sides = (text.tokens[text_index], self.image_projection(image.tokens)[image_index])
        tokens = torch.cat([side.to(sides[0].dtype) for side in sides], dim=1)
        real = torch.cat([_real(text)[text_index], _real(image)[image_index]], dim=1)
        keys = self.attended(tokens)
        mixed = F.scaled_dot_product_attention(
            keys, keys, self.values(tokens), attn_mask=real[:, None]
        )
        tokens = tokens + mixed
        length = text.tokens.shape[1]
        return Fused(tokens[:, :length], tokens[:, length:], tokens[:, 0])


def _real(side: Encoded) -> Tensor:
    if side.mask is None:
        return torch.ones_like(side.tokens[..., 0], dtype=torch.bool)
    return side.mask
