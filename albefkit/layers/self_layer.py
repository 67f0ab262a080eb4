"""A transformer's layer without a look elsewhere: ViT's or BERT's."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from albefkit.layers.attention import Attention
from albefkit.layers.cross_layer import FeedForward

NormPlace = Literal["before", "after"]
"""Where a layer normalises: what goes into each part (ViT), or what comes out (BERT)."""


class SelfLayer(nn.Module):
    """Self-attention, then feed-forward, each added to the tokens.

    Parts are named as those of `CrossLayer`.

    Args:
        width: D.
        heads: of self-attention.
        feed_forward: inner width of the feed-forward part.
        dropout: of attention weights and of what each part adds, 0 to 1.
        eps: of the LayerNorms.
        norm: where they are.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        feed_forward: int,
        dropout: float,
        eps: float,
        norm: NormPlace,
    ) -> None:
        super().__init__()
        self.norm: NormPlace = norm
        self.self_attention = Attention(width, heads, width, dropout)
        self.self_attention_norm = nn.LayerNorm(width, eps=eps)
        self.feed_forward = FeedForward(width, feed_forward)
        self.feed_forward_norm = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """One layer.

        Args:
            tokens: `(R, L, D)`.
            mask: which tokens may be looked at, as in `Memory`.
        """
        if self.norm == "before":
            tokens = tokens + self._seen(self.self_attention_norm(tokens), mask)
            return tokens + self.dropout(self.feed_forward(self.feed_forward_norm(tokens)))
        tokens = self.self_attention_norm(tokens + self._seen(tokens, mask))
        return self.feed_forward_norm(tokens + self.dropout(self.feed_forward(tokens)))

    def _seen(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        own = self.self_attention.remember(tokens, mask)
        return self.dropout(self.self_attention(tokens, own))
