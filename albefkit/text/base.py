"""The contract of text encoders."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from albefkit.layers.load_report import LoadReport
from albefkit.layers.recomputing import keep_activations
from albefkit.registry import Registrable
from albefkit.tensors import Encoded
from albefkit.text.tokenizer import Tokenizer


class TextEncoder(nn.Module, Registrable, ABC, kind="text"):
    """Reads words into tokens; owns the tokenizer and the word embeddings.

    A constructor may ask for `corpus: Corpus` left of `*`, to train a tokenizer on.
    """

    width: int
    """D, the size of a token."""

    tokenizer: Tokenizer
    """From words to ids."""

    max_tokens: int
    """The most tokens of a text that are read, special ones included."""

    load_report: LoadReport | None = None
    """What became of pretrained weights; None where there can be none."""

    @property
    @abstractmethod
    def word_embeddings(self) -> nn.Embedding:
        """The table `(V, D)` that ids index; heads compare predictions with it."""

    def checkpoint_activations(self) -> None:
        """From now on keep little on the way forward and compute it again on the way back.

        Whoever cannot says so in a warning, and trains as before.
        """
        keep_activations(self, "model.text")

    @abstractmethod
    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """Encode R texts.

        Args:
            ids: `(R, L)` int64.
            mask: `(R, L)` bool, true where a token is real.

        Returns:
            tokens `(R, L, D)`, the mask, and pooled `(R, D)`: the token that sums the text up,
            the first where all see each other.
        """
