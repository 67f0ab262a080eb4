"""Word embeddings and nothing more: for fusion that does all the reading (ViLT)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from albefkit.layers.ranges import Chance, Count
from albefkit.tensors import Encoded
from albefkit.text.base import TextEncoder
from albefkit.text.choice import TokenizerWish, get_tokenizer
from albefkit.text.tokenizer import Corpus


class Embeddings(TextEncoder):
    """Words plus positions, normalised: BERT's first step without its layers.

    Args:
        width: size of a token.
        max_tokens: longer texts are cut to this many tokens, [CLS] included.
        dropout: of the embeddings, 0 to 1.
        tokenizer: auto trains one; clip takes CLIP's, which has no word for a hidden one; or the
            path of a vocab.txt, a tokenizer.json or a folder.
        vocabulary: the most entries of a trained tokenizer.
        closing_sep: whether texts end in [SEP].
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        width: Count = 768,
        max_tokens: Count = 40,
        dropout: Chance = 0.1,
        tokenizer: TokenizerWish = "auto",
        vocabulary: Count = 30522,
        closing_sep: bool = False,
    ) -> None:
        super().__init__()
        chosen = get_tokenizer(tokenizer, corpus, None, vocabulary).tokenizer
        self.tokenizer = chosen.limited(max_tokens, closing_sep)
        self.width, self.max_tokens = width, max_tokens
        self.words = nn.Embedding(chosen.vocabulary_size, width, padding_idx=chosen.pad_id)
        self.positions = nn.Embedding(max_tokens, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)
        for table in (self.words, self.positions):
            nn.init.normal_(table.weight, std=0.02)
        with torch.no_grad():
            self.words.weight[chosen.pad_id].zero_()

    @property
    def word_embeddings(self) -> nn.Embedding:
        """The table of words."""
        return self.words

    def checkpoint_activations(self) -> None:
        """There are no layers whose findings could be forgotten."""

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """Embed R texts `(R, L)`, L at most `max_tokens`."""
        tokens = self.words(ids) + self.positions.weight[: ids.shape[1]]
        tokens = self.dropout(self.norm(tokens))
        return Encoded(tokens, mask, tokens[:, 0])
