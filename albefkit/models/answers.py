"""Answers of a decoder: the likeliest of a list, or written freely."""

from __future__ import annotations

from collections.abc import Sequence

from albefkit.data.text import closed
from albefkit.evaluation.answer_generation import LONGEST, Marks, spell, write_answers
from albefkit.evaluation.answer_ranking import RANKED, ROWS_PER_ITEM, rank_answers
from albefkit.evaluation.base import Subject
from albefkit.layers.answer_decoder import AnswerDecoder
from albefkit.models.pairs import PairBatch, fuse
from albefkit.registry.errors import DataError
from albefkit.tensors import TextView
from albefkit.text.tokenizer import Tokenizer


class AnswerList:
    """Answers to choose from.

    Args:
        texts: as people write them.
        tokenizer: makes words of them.
        subject: on whose device they go.

    Raises:
        DataError: one is no text, or has no words.
    """

    def __init__(self, texts: Sequence[str], tokenizer: Tokenizer, subject: Subject) -> None:
        for number, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                raise DataError(f"candidate {number} is no answer: {text!r}")
        self.texts = list(texts)
        view = tokenizer.encode(closed(texts))
        self.view = TextView(view.ids.to(subject.device), view.mask.to(subject.device))


def rank(
    subject: Subject, decoder: AnswerDecoder, pairs: PairBatch, listed: AnswerList, count: int
) -> list[dict[str, float]]:
    """The likeliest answers of a list to each question, best first, with their probabilities."""
    fused = fuse(subject, pairs)
    with subject.autocast():
        ranking = rank_answers(
            decoder,
            decoder.remember(fused.text_tokens, pairs.text_mask),
            listed.view,
            max(RANKED, count),
            rows=ROWS_PER_ITEM * subject.batch_size,
        )
    answers = ranking.answers[:, :count].tolist()
    scores = ranking.scores[:, :count].exp().tolist()
    return [
        {listed.texts[place]: score for place, score in zip(*row, strict=True)}
        for row in zip(answers, scores, strict=True)
    ]


def write(
    subject: Subject, decoder: AnswerDecoder, pairs: PairBatch, tokenizer: Tokenizer
) -> list[str]:
    """An answer to each question, word by word the likeliest."""
    marks, fused = Marks.of(tokenizer), fuse(subject, pairs)
    with subject.autocast():
        memories = decoder.remember(fused.text_tokens, pairs.text_mask)
        longest = min(LONGEST, tokenizer.max_tokens or LONGEST)
        ids = write_answers(decoder, memories, marks, beams=1, longest=longest)
    return [spell(row, tokenizer, marks, {}) for row in ids.tolist()]
