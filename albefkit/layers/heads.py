"""Heads that several objectives can use."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.layers.linear import linear


class MaskedWordHead(nn.Module):
    """Judges which word a token stands for, by comparing it with the word embeddings.

    Spec 1.3: dense, GELU, LayerNorm, then the product with the table of word embeddings and a bias
    per word. The table is given to `forward`: it belongs to the text encoder, and a head that held
    it would have it twice in every checkpoint.

    Args:
        width: size of a token.
        vocabulary_size: V, how many words there are.
        word_width: D, size of a word embedding; None where it is that of a token.
        eps: of the LayerNorm.
    """

    def __init__(
        self, width: int, vocabulary_size: int, word_width: int | None = None, eps: float = 1e-12
    ) -> None:
        super().__init__()
        self.dense = nn.Linear(width, word_width or width)
        self.norm = nn.LayerNorm(word_width or width, eps=eps)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)

    def forward(self, tokens: Tensor, vocabulary: Tensor) -> Tensor:
        """Logits `(M, V)` of tokens `(M, width)` over the word embeddings `(V, D)`."""
        return linear(self.norm(F.gelu(self.dense(tokens))), vocabulary, self.bias)
