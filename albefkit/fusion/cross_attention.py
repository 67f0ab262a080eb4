"""ALBEF's fusion: words look at image tokens, layer by layer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from albefkit.fusion.base import Fusion
from albefkit.fusion.upper_layers import upper_layers
from albefkit.layers.attention import Readers, visible
from albefkit.layers.cross_layer import CrossLayer
from albefkit.layers.ranges import Chance, Count, Deviation
from albefkit.layers.recomputing import Recomputing
from albefkit.layers.weights import Pretrained
from albefkit.tensors import Encoded, Fused
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder


class CrossAttention(Recomputing, Fusion):
    """Words look at the image: the upper layers of a text encoder with cross-attention in them.

    Paper section 3.1, spec 1.3. Keys and values are computed once per image and layer, however many
    pairs the image is in.

    Args:
        name: the encoder whose upper layers it starts from: on the hub, or a local folder.
        from_layer: the first of them, counted from 0.
        layers: how many.
        heads: attention heads; empty takes the encoder's own, or one per 64 where widths differ.
        feed_forward: inner width of the feed-forward parts; empty takes the encoder's own, or four
            times the width where widths differ.
        dropout: of hidden states and attention weights, 0 to 1.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random. Cross-attention always starts at
            random.
        initial_std: standard deviation of linear weights that start at random, more than 0; empty
            takes the model's own, which suits widths near 768.
    """

    def __init__(
        self,
        vision: VisionEncoder,
        text: TextEncoder,
        *,
        name: str = "bert-base-uncased",
        from_layer: Annotated[int, Field(ge=0)] = 6,
        layers: Count = 6,
        heads: Count | None = None,
        feed_forward: Count | None = None,
        dropout: Chance = 0.1,
        pretrained: Pretrained = "auto",
        initial_std: Deviation | None = None,
    ) -> None:
        super().__init__()
        self.width = text.width
        self.layers, self.load_report = upper_layers(
            vision,
            text,
            name=name,
            from_layer=from_layer,
            layers=layers,
            heads=heads,
            feed_forward=feed_forward,
            dropout=dropout,
            pretrained=pretrained,
            initial_std=initial_std,
        )

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        """Fuse P pairs; image tokens stay as they are, the summary is the fused [CLS]."""
        image_mask = visible(image.mask)
        text_mask = visible(text.mask)
        text_mask = None if text_mask is None else text_mask.index_select(0, text_index)
        tokens = text.tokens.index_select(0, text_index)
        readers = Readers.of(image_index, len(image.tokens))
        for layer in self.layers:
            tokens = self.through(
                _layer, layer, tokens, text_mask, image.tokens, image_mask, readers
            )
        return Fused(text_tokens=tokens, image_tokens=None, pooled=tokens[:, 0])


def _layer(
    layer: CrossLayer,
    tokens: Tensor,
    mask: Tensor | None,
    images: Tensor,
    image_mask: Tensor | None,
    readers: Readers,
) -> Tensor:
    memory = layer.cross_attention.remember(images, image_mask)
    return layer(tokens, mask, memory.read_by(readers))
