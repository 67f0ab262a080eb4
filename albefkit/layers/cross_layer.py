"""BERT's layer with a look at the image in the middle (spec 1.3, paper section 3.1)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.layers.attention import Attention, Memory


class FeedForward(nn.Module):
    """Widen, exact GELU, narrow.

    Args:
        width: D.
        inner_width: width in between.
    """

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.expand = nn.Linear(width, inner_width)
        self.contract = nn.Linear(inner_width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """`(R, L, D)` to `(R, L, D)`."""
        return self.contract(F.gelu(self.expand(tokens)))


class CrossLayer(nn.Module):
    """Post-norm: self-attention, cross-attention, feed-forward, each added and then normalised.

    Args:
        width: D, of the tokens.
        heads: of both attentions.
        feed_forward: inner width of the feed-forward part.
        memory_width: width of the tokens that cross-attention looks at.
        dropout: of attention weights and of what each part adds, 0 to 1.
        eps: of the LayerNorms.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        feed_forward: int,
        memory_width: int,
        dropout: float,
        eps: float,
    ) -> None:
        super().__init__()
        self.self_attention = Attention(width, heads, width, dropout)
        self.self_attention_norm = nn.LayerNorm(width, eps=eps)
        self.cross_attention = Attention(width, heads, memory_width, dropout)
        self.cross_attention_norm = nn.LayerNorm(width, eps=eps)
        self.feed_forward = FeedForward(width, feed_forward)
        self.feed_forward_norm = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Tensor, mask: Tensor | None, memory: Memory, own: Memory | None = None
    ) -> Tensor:
        """One layer.

        Args:
            tokens: `(R, L, D)`.
            mask: which tokens may be looked at, as in `Memory`.
            memory: from `cross_attention.remember`, looked at by R rows.
            own: from `self_attention.remember`, where tokens see more than themselves.
        """
        if own is None:
            own = self.self_attention.remember(tokens, mask)
        seen = self.self_attention(tokens, own)
        tokens = self.self_attention_norm(tokens + self.dropout(seen))
        seen = self.cross_attention(tokens, memory)
        tokens = self.cross_attention_norm(tokens + self.dropout(seen))
        added = self.feed_forward(tokens)
        return self.feed_forward_norm(tokens + self.dropout(added))


def initialise_as_bert(module: nn.Module, std: float = 0.02) -> None:
    """Normal weights, zero biases, identity norms (spec 1.3, last item)."""
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Embedding)):
            nn.init.normal_(part.weight, std=std)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
