"""METER's fusion: words look at the image and image tokens at the words, layer by layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from albefkit.fusion.base import Fusion
from albefkit.layers.attention import visible
from albefkit.layers.cross_layer import CrossLayer, initialise_as_bert
from albefkit.layers.initial import draw_linear_weights
from albefkit.layers.pooler import Pooler
from albefkit.layers.ranges import Chance, Count, Deviation
from albefkit.layers.recomputing import Recomputing
from albefkit.tensors import Encoded, Fused
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

TEXT, IMAGE = 0, 1
"""Rows of the type embeddings."""


class CoAttention(Recomputing, Fusion):
    """Two streams, one of words and one of image tokens, each of which looks at the other.

    METER (arXiv 2111.02387), co-attention: in every layer a stream attends to itself, then to what
    the other one was before the layer, then passes a feed-forward part. The summary of a pair is
    those of both streams side by side. Layers start at random, as there.

    Args:
        layers: how many in each stream.
        heads: attention heads; empty takes one per 64.
        feed_forward: inner width of the feed-forward parts; empty takes four times the width.
        dropout: of hidden states and attention weights, 0 to 1.
        initial_std: standard deviation of linear weights, more than 0; empty takes BERT's, which
            suits widths near 768.
    """

    def __init__(
        self,
        vision: VisionEncoder,
        text: TextEncoder,
        *,
        layers: Count = 6,
        heads: Count | None = None,
        feed_forward: Count | None = None,
        dropout: Chance = 0.1,
        initial_std: Deviation | None = None,
    ) -> None:
        super().__init__()
        self.width = width = text.width
        self._class_token = vision.prefix_tokens > 0

        def stream() -> nn.ModuleList:
            sizes = (width, heads or max(1, width // 64), feed_forward or 4 * width, width)
            return nn.ModuleList(CrossLayer(*sizes, dropout, eps=1e-12) for _ in range(layers))

        self.text_projection = nn.Linear(width, width)
        self.image_projection = nn.Linear(vision.width, width)
        self.type_embeddings = nn.Embedding(2, width)
        self.layers, self.image_layers = stream(), stream()
        self.text_pooler, self.image_pooler = Pooler(width), Pooler(width)
        initialise_as_bert(self)
        draw_linear_weights(self, initial_std)

    @property
    def pooled_width(self) -> int:
        """The summaries of two streams."""
        return 2 * self.width

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        """Fuse P pairs; an image's own summary is its class token, or the mean of its tokens."""
        types = self.type_embeddings.weight
        words = (self.text_projection(text.tokens) + types[TEXT]).index_select(0, text_index)
        seen = (self.image_projection(image.tokens) + types[IMAGE]).index_select(0, image_index)
        word_mask = None if text.mask is None else text.mask.index_select(0, text_index)
        seen_mask = None if image.mask is None else image.mask.index_select(0, image_index)
        words_visible, seen_visible = visible(word_mask), visible(seen_mask)
        for text_layer, image_layer in zip(self.layers, self.image_layers, strict=True):
            words, seen = self.through(
                _layer, text_layer, image_layer, words, words_visible, seen, seen_visible
            )
        pooled = [
            self.text_pooler(words[:, 0]),
            self.image_pooler(seen[:, 0] if self._class_token else _mean(seen, seen_mask)),
        ]
        return Fused(text_tokens=words, image_tokens=seen, pooled=torch.cat(pooled, dim=1))


def _layer(
    text_layer: CrossLayer,
    image_layer: CrossLayer,
    words: Tensor,
    words_visible: Tensor | None,
    seen: Tensor,
    seen_visible: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Both streams look at what the other one was before."""
    of_image = text_layer.cross_attention.remember(seen, seen_visible)
    of_words = image_layer.cross_attention.remember(words, words_visible)
    return text_layer(words, words_visible, of_image), image_layer(seen, seen_visible, of_words)


def _mean(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """The mean `(P, D)` of the real tokens of each row."""
    if mask is None:
        return tokens.mean(dim=1)
    real = mask[:, :, None].to(tokens.dtype)
    return (tokens * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)
