"""Ranking a closed list of answers (spec 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.layers.answer_decoder import AnswerDecoder, pick
from albefkit.layers.attention import Memory, Readers
from albefkit.predictions import at_least_float32
from albefkit.tensors import TextView

RANKED = 128
"""So many answers of a list, those that begin most probably, are looked at whole (spec 5.3)."""
ROWS_PER_ITEM = 8
"""Answers read at a time, for each question fused at a time."""


@dataclass(frozen=True)
class Ranking:
    """The best answers to Q questions, best first.

    Args:
        answers: `(Q, k)` int64, places in the list.
        scores: `(Q, k)`: log-probabilities, the first word perhaps counted twice.
    """

    answers: Tensor
    scores: Tensor


def rank_answers(
    decoder: AnswerDecoder,
    memories: Sequence[Memory],
    listed: TextView,
    count: int,
    *,
    double_count: bool = False,
    rows: int = 512,
) -> Ranking:
    """Take the answers that begin most probably, and rank them by how probable they are whole.

    Args:
        decoder: who answers.
        memories: of Q questions, one for each layer.
        listed: C answers `(C, L)`, [CLS] first and [SEP] last, on the device.
        count: k, how many answers are looked at whole.
        double_count: add the first word's log-probability once more, as the released code does.
        rows: so many answers are read at a time.
    """
    beginnings = first_words(decoder, memories, listed.ids[0, 0])[:, listed.ids[:, 1]]
    first, taken = beginnings.topk(min(count, len(listed.ids)), dim=1)
    questions, each = taken.shape
    question = torch.arange(questions, device=taken.device).repeat_interleave(each)
    whole = log_likelihood(decoder, memories, listed, question, taken.flatten(), rows)
    scores = whole.view(questions, each)
    scores, order = (scores + first if double_count else scores).topk(each, dim=1)
    return Ranking(taken.gather(1, order), scores)


def first_words(decoder: AnswerDecoder, memories: Sequence[Memory], cls_id: Tensor | int) -> Tensor:
    """Log-probability of each word to begin an answer, `(Q, V)`."""
    key = memories[0].key
    ids = torch.zeros(len(key), 1, dtype=torch.int64, device=key.device) + cls_id
    states = decoder.read(ids, torch.ones_like(ids, dtype=torch.bool), memories)
    return word_probabilities(decoder, states[:, 0])


def log_likelihood(
    decoder: AnswerDecoder,
    memories: Sequence[Memory],
    listed: TextView,
    question: Tensor,
    answer: Tensor,
    rows: int,
) -> Tensor:
    """Log-probability of answers, all words and [SEP], `(P,)`.

    A beginning that several answers to a question share is read once.

    Args:
        decoder: who answers.
        memories: of the questions, one for each layer.
        listed: `(C, L)`, on the device.
        question: `(P,)` int64.
        answer: `(P,)` int64, places in the list.
        rows: so many pairs are read at a time.
    """
    beginnings, lengths = _beginnings(listed.ids), listed.mask.sum(1)
    order = (question * len(lengths) + answer).argsort()
    found = []
    for some in order.split(rows):
        asked, owner = question[some].unique(return_inverse=True)
        tree = _Tree(decoder, pick(memories, asked), owner)
        ids, codes, length = (each[answer[some]] for each in (listed.ids, beginnings, lengths))
        likelihood: Tensor | float = 0.0
        for place in range(int(length.max()) - 1):
            goes_on = place + 1 < length
            said = tree.grow(ids[:, place], codes[:, place], ids[:, place + 1], goes_on)
            likelihood = likelihood + said
        found.append(likelihood)
    likelihood = torch.empty_like(torch.cat(found))
    likelihood[order] = torch.cat(found)
    return likelihood


class _Tree:
    """Beginnings of the answers to some questions, word by word.

    Args:
        decoder: who answers.
        memories: of the questions, one for each layer.
        owner: `(P,)` int64, the question of each answer.
    """

    def __init__(self, decoder: AnswerDecoder, memories: Sequence[Memory], owner: Tensor) -> None:
        self._decoder = decoder
        self._memories = memories
        self._owner = owner
        self._node = owner  # of each answer; before the first word they differ by question alone
        self._before: list[Memory] = []

    def grow(self, words: Tensor, codes: Tensor, following: Tensor, goes_on: Tensor) -> Tensor:
        """Read one word more.

        Args:
            words: `(P,)` int64.
            codes: `(P,)` int64, equal where answers are so far equal.
            following: `(P,)` int64, the words after it.
            goes_on: `(P,)` bool; where it is false there is no word after it.

        Returns:
            The log-probability of what follows, `(P,)`, 0 where nothing does.
        """
        alive = goes_on.nonzero()[:, 0]
        key = self._owner[alive] * (codes.max() + 1) + codes[alive]
        nodes, node = key.unique(return_inverse=True)
        # Any answer with this beginning stands for all.
        answer = alive.new_empty(len(nodes)).scatter_(0, node, alive)
        parent, owner = self._node[answer], self._owner[answer]
        readers = Readers.of(owner, len(self._memories[0].key))
        states, self._before = self._decoder.read_on(
            words[answer],
            pick(self._before, parent),
            [memory.read_by(readers) for memory in self._memories],
        )
        said = word_probabilities(self._decoder, states)[node, following[alive]]
        self._node = self._node.index_put((alive,), node)
        return said.new_zeros(len(goes_on)).index_put((alive,), said)


def _beginnings(ids: Tensor) -> Tensor:
    """`(C, L)` int64: equal in a column where answers are equal up to it."""
    codes = [ids.new_zeros(len(ids))]
    for column in ids.unbind(1):
        codes.append((codes[-1] * (ids.max() + 1) + column).unique(return_inverse=True)[1])
    return torch.stack(codes[1:], dim=1)


def word_probabilities(decoder: AnswerDecoder, states: Tensor) -> Tensor:
    """Log-probability of each word to come after states `(M, D)`, `(M, V)`."""
    # Not in half precision: what it rounds to the same score cannot be put in order.
    with torch.autocast(states.device.type, enabled=False):
        logits = decoder.judge(states.to(decoder.words.bias.dtype))
    return at_least_float32(logits).log_softmax(1)
