"""One stream: words and image tokens side by side in one transformer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from albefkit.fusion.base import Fusion
from albefkit.fusion.self_layers import BertLayers, VitLayers
from albefkit.layers.attention import visible
from albefkit.layers.cross_layer import initialise_as_bert
from albefkit.layers.initial import draw_linear_weights
from albefkit.layers.pooler import Pooler
from albefkit.layers.ranges import Chance, Count, Deviation
from albefkit.layers.self_layer import NormPlace
from albefkit.layers.weights import Pretrained
from albefkit.tensors import Encoded, Fused
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

TEXT, IMAGE = 0, 1
"""Rows of the type embeddings."""
STACKS = {
    "before": (VitLayers, "vit_base_patch32_384"),
    "after": (BertLayers, "bert-base-uncased"),
}
"""Where layers normalise -> the stack, and what it begins as where nothing else is said."""


class Joint(Fusion):
    """Words and image tokens in one transformer, where everything looks at everything.

    ViLT (arXiv 2102.03334, section 3.1) with norms before each part, as ViT; UNITER (arXiv
    1909.11740, section 3.1) with norms after, as BERT. Each side has an embedding of its own that
    says which it is, and the summary of a pair is BERT's pooler on the first word, [CLS].

    Args:
        norm: where layers normalise: `before` each part, behind a last norm (ViT), or `after`
            it (BERT).
        name: whose layers it starts from: with norm: before a vision transformer of timm, with
            norm: after a BERT-like encoder, on the hub or a local folder; empty takes
            vit_base_patch32_384 or bert-base-uncased.
        layers: how many, counted from the first.
        heads: attention heads; empty takes those of `name`, or one per 64 where widths differ.
        feed_forward: inner width of the feed-forward parts; empty takes that of `name`, or four
            times the width where widths differ.
        dropout: of hidden states and attention weights, 0 to 1.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random. What is no layer always starts at
            random.
        initial_std: standard deviation of linear weights that start at random, more than 0; empty
            takes 0.02, which suits widths near 768.
    """

    def __init__(
        self,
        vision: VisionEncoder,
        text: TextEncoder,
        *,
        norm: NormPlace = "before",
        name: str | None = None,
        layers: Count = 12,
        heads: Count | None = None,
        feed_forward: Count | None = None,
        dropout: Chance = 0.1,
        pretrained: Pretrained = "auto",
        initial_std: Deviation | None = None,
    ) -> None:
        super().__init__()
        self.width = width = text.width
        stack, usual = STACKS[norm]
        same = vision.width == width
        self.image_projection = nn.Identity() if same else nn.Linear(vision.width, width)
        self.type_embeddings = nn.Embedding(2, width)
        self.pooler = Pooler(width)
        initialise_as_bert(self)
        draw_linear_weights(self, initial_std)
        self.transformer = stack(
            width,
            name=name or usual,
            layers=layers,
            heads=heads,
            feed_forward=feed_forward,
            dropout=dropout,
            pretrained=pretrained,
            initial_std=initial_std,
        )
        self.load_report = self.transformer.load_report

    def checkpoint_activations(self) -> None:
        """From now on compute each layer again on the way back instead of keeping what it found."""
        self.transformer.checkpoint_activations()

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        """Fuse P pairs: words first, image tokens behind them."""
        types = self.type_embeddings.weight
        words = (text.tokens + types[TEXT]).index_select(0, text_index)
        seen = (self.image_projection(image.tokens) + types[IMAGE]).index_select(0, image_index)
        mask = _joined(image, text, image_index, text_index)
        tokens = torch.cat([words, seen.to(words.dtype)], dim=1)
        tokens = self.transformer(tokens, visible(mask))
        length = words.shape[1]
        return Fused(
            text_tokens=tokens[:, :length],
            image_tokens=tokens[:, length:],
            pooled=self.pooler(tokens[:, 0]),
        )


def _joined(
    image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
) -> Tensor | None:
    """Which tokens of each pair are real, `(P, L + N)`; None where all are."""
    if image.mask is None and text.mask is None:
        return None
    sides = [
        torch.ones_like(side.tokens[..., 0], dtype=torch.bool) if side.mask is None else side.mask
        for side in (text, image)
    ]
    rows = zip(sides, (text_index, image_index), strict=True)
    return torch.cat([side.index_select(0, index) for side, index in rows], dim=1)
