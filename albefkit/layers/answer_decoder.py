"""A decoder of answers: it writes word by word, looking at a question that has seen its image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from albefkit.layers.attention import Memory, visible
from albefkit.layers.cross_layer import CrossLayer
from albefkit.layers.heads import MaskedWordHead
from albefkit.layers.recomputing import Recomputing
from albefkit.tensors import Encoded, TextView


class WordEmbeddings(nn.Module):
    """Words, positions and the type of a first text, added and normalised; named as in BERT.

    Args:
        words: the table of words `(V, D)`.
        positions: the table of positions; with a row for padding they begin behind it.
        types: the table of types of text, or None where there is none.
        norm: over D.
        dropout: of the embeddings, 0 to 1.
    """

    def __init__(
        self,
        words: nn.Embedding,
        positions: nn.Embedding,
        types: nn.Embedding | None,
        norm: nn.LayerNorm,
        dropout: float,
    ) -> None:
        super().__init__()
        self.word_embeddings = words
        self.position_embeddings = positions
        self.token_type_embeddings = types
        self.LayerNorm = norm
        self.dropout = nn.Dropout(dropout)
        padding = positions.padding_idx
        self._first_position = 0 if padding is None else padding + 1

    def forward(self, ids: Tensor, place: int = 0) -> Tensor:
        """Embed words `(R, L)`, the first of which stands at `place`, as `(R, L, D)`."""
        first = self._first_position + place
        tokens = self.word_embeddings(ids)
        tokens = tokens + self.position_embeddings.weight[first : first + ids.shape[1]]
        if self.token_type_embeddings is not None:
            tokens = tokens + self.token_type_embeddings.weight[0]
        return self.dropout(self.LayerNorm(tokens))


class AnswerDecoder(Recomputing, nn.Module):
    """Says after each word of an answer which one comes next.

    Spec 5.1: layers with causal self-attention that look at the fused tokens of the question, and a
    word head over the decoder's own word embeddings.

    Args:
        embeddings: of the words written so far, D wide.
        layers: with a memory D wide.
    """

    def __init__(self, embeddings: WordEmbeddings, layers: Iterable[CrossLayer]) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.layers = nn.ModuleList(layers)
        entries, width = embeddings.word_embeddings.weight.shape
        self.words = MaskedWordHead(width, entries, eps=embeddings.LayerNorm.eps)

    def forward(
        self, questions: Encoded, answers: TextView, owner: Tensor, places: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Logits `(M, V)` of the words that come after M places of the answers.

        Args:
            questions: fused tokens `(Q, N, D)` and which of them are real.
            answers: `(A, L)`, on the device.
            owner: `(A,)` int64, the question of each answer.
            places: `(M,)` and `(M,)` int64, rows and columns of `answers`.
        """
        memories = pick(self.remember(questions.tokens, questions.mask), owner)
        return self.judge(self.read(answers.ids, answers.mask, memories)[places])

    def remember(self, tokens: Tensor, mask: Tensor | None) -> list[Memory]:
        """Keys and values of questions `(Q, N, D)` for each layer, to be used for all answers."""
        seen = visible(mask)
        return [_cross(layer).cross_attention.remember(tokens, seen) for layer in self.layers]

    def read(self, ids: Tensor, mask: Tensor, memories: Sequence[Memory]) -> Tensor:
        """States `(A, L, D)` of answers `(A, L)`; each word sees those before it and itself.

        Args:
            ids: the words, the first one [CLS].
            mask: bool, true where a word is real.
            memories: one for each layer, A rows.
        """
        length = ids.shape[1]
        before = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
        seen = visible(mask)
        assert seen is not None
        tokens = self.embeddings(ids)
        for layer, memory in zip(self.layers, memories, strict=True):
            tokens = self.through(layer, tokens, seen & before, memory)
        return tokens

    def read_on(
        self, words: Tensor, before: Sequence[Memory], memories: Sequence[Memory]
    ) -> tuple[Tensor, list[Memory]]:
        """Read one word more of A answers, without reading again what stands before it.

        Args:
            words: `(A,)` int64.
            before: what this gave for the word before, A rows; empty for the first word.
            memories: one for each layer, looked at by A rows.

        Returns:
            States `(A, D)` of the words, as `read` has them, and what to give for the next one.
        """
        tokens = self.embeddings(words[:, None], before[0].key.shape[2] if before else 0)
        kept = []
        for number, (layer, memory) in enumerate(zip(self.layers, memories, strict=True)):
            own = _cross(layer).self_attention.remember(tokens, None)
            own = before[number].followed_by(own) if before else own
            tokens = layer(tokens, None, memory, own)
            kept.append(own)
        return tokens[:, 0], kept

    def judge(self, states: Tensor) -> Tensor:
        """Logits `(M, V)` of the words that come after states `(M, D)`."""
        return self.words(states, self.embeddings.word_embeddings.weight)


def pick(memories: Iterable[Memory], rows: Tensor) -> list[Memory]:
    """The same rows `(A,)` of the memory of each layer."""
    return [memory.rows(rows) for memory in memories]


def _cross(layer: nn.Module) -> CrossLayer:
    assert isinstance(layer, CrossLayer)
    return layer
