"""Ranking a closed list of answers (spec 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.layers.answer_decoder import AnswerDecoder, pick
from albefkit.layers.attention import Memory
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

    Args:
        decoder: who answers.
        memories: of the questions, one for each layer.
        listed: `(C, L)`, on the device.
        question: `(P,)` int64.
        answer: `(P,)` int64, places in the list.
        rows: so many pairs are read at a time, those of about one length together.
    """
    lengths = listed.mask.sum(1)[answer]
    found = []
    order = lengths.argsort(stable=True)
    for some in order.split(rows):
        longest = int(lengths[some].max())
        ids = listed.ids[answer[some], :longest]
        mask = listed.mask[answer[some], :longest]
        states = decoder.read(ids[:, :-1], mask[:, :-1], pick(memories, question[some]))
        real = mask[:, 1:]
        words = word_probabilities(decoder, states[real])
        said = words.gather(1, ids[:, 1:][real][:, None])[:, 0]
        found.append(words.new_zeros(real.shape).masked_scatter(real, said).sum(1))
    likelihood = torch.empty_like(torch.cat(found))
    likelihood[order] = torch.cat(found)
    return likelihood


def word_probabilities(decoder: AnswerDecoder, states: Tensor) -> Tensor:
    """Log-probability of each word to come after states `(M, D)`, `(M, V)`."""
    # Not in half precision: what it rounds to the same score cannot be put in order.
    with torch.autocast(states.device.type, enabled=False):
        logits = decoder.judge(states.to(decoder.words.bias.dtype))
    return at_least_float32(logits).log_softmax(1)
