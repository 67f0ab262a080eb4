"""Writing answers freely, word by word."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.evaluation.answer_ranking import word_probabilities
from albefkit.layers.answer_decoder import AnswerDecoder, pick
from albefkit.layers.attention import Memory
from albefkit.text.tokenizer import Tokenizer

LONGEST = 10
"""Words of a freely written answer, its end included."""


@dataclass(frozen=True)
class Marks:
    """Ids that are no words.

    Args:
        begin: stands before an answer.
        end: stands behind it.
        fill: stands behind the end.
        barred: never written, `fill` and `begin` among them, `end` not.
    """

    begin: int
    end: int
    fill: int
    barred: Collection[int]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Marks:
        """Those of a tokenizer that can close an answer."""
        assert tokenizer.sep_id is not None
        barred = tokenizer.special_ids - {tokenizer.sep_id}
        return cls(tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id, barred)


def write_answers(
    decoder: AnswerDecoder, memories: Sequence[Memory], marks: Marks, *, beams: int, longest: int
) -> Tensor:
    """The most probable answer to each question that a beam search finds; one beam is greedy.

    An answer that has ended is preferred to one that was cut off.

    Args:
        decoder: who answers.
        memories: of Q questions, one for each layer.
        marks: ids that are no words.
        beams: how many beginnings of each answer are followed.
        longest: an answer is cut off after so many words, its end included.

    Returns:
        `(Q, T)` int64, T at most `longest`; filled up behind the end.
    """
    device, questions = memories[0].key.device, len(memories[0].key)
    followed = pick(memories, torch.arange(questions, device=device).repeat_interleave(beams))
    ids = torch.full((questions, beams, 1), marks.begin, device=device)
    ended = torch.zeros(questions, beams, dtype=torch.bool, device=device)
    # All beams begin alike: only the first may be continued, or they would stay alike.
    total = torch.full((questions, beams), -torch.inf, device=device)
    total[:, 0] = 0.0
    for _ in range(longest):
        words = _continuations(decoder, followed, ids, ended, marks)
        total, best = (total[..., None] + words).flatten(1).topk(beams, dim=1)
        parent, word = best // words.shape[2], best % words.shape[2]
        ids = ids.gather(1, parent[..., None].expand(-1, -1, ids.shape[2]))
        ids = torch.cat([ids, word[..., None]], dim=2)
        ended = ended.gather(1, parent) | (word == marks.end)
        if ended.all():
            break
    cut_off = ~ended & ended.any(1, keepdim=True)
    best = total.masked_fill(cut_off, -torch.inf).argmax(1)
    return ids[torch.arange(questions, device=device), best, 1:]


def spell(
    ids: Sequence[int], tokenizer: Tokenizer, marks: Marks, known: Mapping[tuple[int, ...], str]
) -> str:
    """An answer as people write it.

    Args:
        ids: as `write_answers` gives them.
        tokenizer: whose ids they are.
        marks: ids that are no words.
        known: words -> how an answer that is made of them is written; where it is not among them,
            its pieces are put together.
    """
    end = ids.index(marks.end) if marks.end in ids else len(ids)
    words = tuple(ids[:end])
    return known[words] if words in known else tokenizer.inner.decode(list(words))


def _continuations(
    decoder: AnswerDecoder, memories: Sequence[Memory], ids: Tensor, ended: Tensor, marks: Marks
) -> Tensor:
    """Log-probability of each next word, `(Q, beams, V)`; what has ended can only be filled up."""
    flat = ids.flatten(0, 1)
    states = decoder.read(flat, torch.ones_like(flat, dtype=torch.bool), memories)
    words = word_probabilities(decoder, states[:, -1]).unflatten(0, ended.shape)
    words[..., list(marks.barred)] = -torch.inf
    words = words.masked_fill(ended[..., None], -torch.inf)
    words[..., marks.fill] = words[..., marks.fill].masked_fill(ended, 0.0)
    return words
