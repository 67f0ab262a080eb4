"""Visual question answering: from a closed list of answers, and freely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from albefkit.data.base import Item, SplitName, WeightedAnswers
from albefkit.data.text import closed
from albefkit.evaluation.answer_generation import LONGEST, Marks, spell, write_answers
from albefkit.evaluation.answer_ranking import RANKED, ROWS_PER_ITEM, rank_answers
from albefkit.evaluation.base import Evaluator, Result, Subject
from albefkit.evaluation.fused_items import FusedItems, fused_items
from albefkit.evaluation.sampling import Groups
from albefkit.evaluation.vqa_metric import agreement, normalise
from albefkit.layers.answer_decoder import AnswerDecoder
from albefkit.layers.ranges import Count
from albefkit.registry.errors import ComponentError, DataError, Problem
from albefkit.tensors import TextView
from albefkit.text.tokenizer import Tokenizer


class AnswerQuestions(Evaluator):
    """Accuracy of the best answer of the data's closed list, and of answers written freely.

    Spec 5.3. With ten annotators' answers, an item's accuracy follows the standard rule of the VQA
    servers; otherwise an answer has to be one of those given. Both sides are normalised.

    Args:
        split: the split the final figures are for; while training goes on it is `val`.
        k: so many answers of the list, those that begin most probably, are ranked.
        beams: width of the beam search that writes freely; 1: greedy.
        longest: words of a freely written answer, its end included.
        double_count: count an answer's first word twice in ranking, as the released code does.
        head: the objective whose decoder answers.
        limit: only so many items, the first ones; null: all.
    """

    def __init__(
        self,
        *,
        split: SplitName = "test",
        k: Count = RANKED,
        beams: Count = 1,
        longest: Count = LONGEST,
        double_count: bool = False,
        head: str = "answer",
        limit: Annotated[int, Field(ge=1)] | None = None,
    ) -> None:
        self.split: SplitName = split
        self.k = k
        self.beams = beams
        self.longest = longest
        self.double_count = double_count
        self.head = head
        self.limit = limit

    @torch.no_grad()
    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        """`accuracy` from the closed list and `generated_accuracy`, in percent, and `majority`,
        that of the one answer which suits the items best.

        Items without answers are answered, but not scored; where none has any there are no metrics.
        The result's items: `question_id` (else the index in the split), `answer`, `generated`, and
        the accuracy of both, `score` and `generated_score`, 0 to 1.
        """
        name = split or self.split
        decoder, tokenizer = self._decoder(subject)
        listed = _ClosedList.of(subject, tokenizer)
        found = _Found()
        for some in fused_items(subject, subject.dataset.split(name), self.limit):
            ranked, written = self._answer(subject, decoder, tokenizer, listed, some)
            found.add(some, ranked, written)
        if not found.questions:
            raise DataError(f"the split '{name}' has no questions")
        return found.result(name, listed.texts)

    def _decoder(self, subject: Subject) -> tuple[AnswerDecoder, Tokenizer]:
        network = subject.network
        decoder = dict(network.heads.items()).get(self.head)
        if not isinstance(decoder, AnswerDecoder) or network.text is None:
            heads = ", ".join(network.heads) or "none"
            message = f"vqa needs a head '{self.head}' that writes, and this network's are: {heads}"
            raise ComponentError(message)
        return decoder, network.text.tokenizer

    def _answer(
        self,
        subject: Subject,
        decoder: AnswerDecoder,
        tokenizer: Tokenizer,
        listed: _ClosedList,
        some: FusedItems,
    ) -> tuple[list[str], list[str]]:
        """The best listed answer to each question, and a freely written one."""
        marks = Marks.of(tokenizer)
        longest = min(self.longest, tokenizer.max_tokens or self.longest)
        with subject.autocast():
            memories = decoder.remember(some.fused.text_tokens, some.text.mask)
            ranking = rank_answers(
                decoder,
                memories,
                listed.view,
                self.k,
                double_count=self.double_count,
                rows=ROWS_PER_ITEM * subject.batch_size,
            )
            ids = write_answers(decoder, memories, marks, beams=self.beams, longest=longest)
        best = [listed.texts[place] for place in ranking.answers[:, 0].tolist()]
        return best, [spell(row, tokenizer, marks, listed.known) for row in ids.tolist()]


@dataclass(frozen=True)
class _ClosedList:
    """The answers that may be chosen.

    Args:
        texts: C answers, as people write them.
        view: the same as words, `(C, L)`, on the subject's device.
        known: words of an answer, [CLS] and [SEP] left out -> the answer.
    """

    texts: tuple[str, ...]
    view: TextView
    known: dict[tuple[int, ...], str]

    @classmethod
    def of(cls, subject: Subject, tokenizer: Tokenizer) -> _ClosedList:
        """That of the subject's data."""
        texts = subject.dataset.classes
        if not texts:
            message = "these data have no list of possible answers to rank."
            hint = "Put an answer_list.json beside the questions: `albefkit vqa-answers`."
            raise DataError(Problem("", "data", message, hint))
        view = tokenizer.encode(closed(texts))
        known = {
            tuple(row[1 : sum(real) - 1]): text
            for row, real, text in zip(view.ids.tolist(), view.mask.tolist(), texts, strict=True)
        }
        device = subject.device
        return cls(texts, TextView(view.ids.to(device), view.mask.to(device)), known)


@dataclass
class _Found:
    """What was answered so far, one entry per item."""

    questions: list[object] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    ranked: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    worth: list[dict[str, float] | None] = field(default_factory=list)

    def add(self, some: FusedItems, ranked: Sequence[str], written: Sequence[str]) -> None:
        for index, item in zip(some.indices, some.items, strict=True):
            self.questions.append(item.fields.get("question_id", index))
            self.images.append(item.image_id)
            self.worth.append(_worth(item))
        self.ranked += ranked
        self.written += written

    def result(self, split: str, listed: tuple[str, ...]) -> Result:
        scores, written = (
            [
                None if worth is None else worth.get(normalise(answer), 0.0)
                for worth, answer in zip(self.worth, answers, strict=True)
            ]
            for answers in (self.ranked, self.written)
        )
        items: dict[str, list[object]] = {
            "question_id": self.questions,
            "answer": list(self.ranked),
            "generated": list(self.written),
            "score": list(scores),
            "generated_score": list(written),
        }
        scored = [worth for worth in self.worth if worth is not None]
        if not scored:
            return Result(split, {}, 0.0, items=items)
        percents = {"accuracy": _percents(scores), "generated_accuracy": _percents(written)}
        metrics = {name: values.mean().item() for name, values in percents.items()}
        metrics["majority"] = 100 * _best_constant(scored) / len(scored)
        chance = {"accuracy": 100 * _guessed(scored, listed) / len(scored)}
        both = zip(self.images, self.worth, strict=True)
        groups = Groups.by_image([image for image, worth in both if worth is not None])
        samples = {name: groups.figures(values) for name, values in percents.items()}
        score = metrics["accuracy"]
        return Result(split, metrics, score, chance, {}, items, samples, groups.names)


def _worth(item: Item) -> dict[str, float] | None:
    """What each answer to an item is worth, or None where nobody knows."""
    answers = item.fields.get("answers")
    return agreement(answers.given) if isinstance(answers, WeightedAnswers) else None


def _percents(scores: Sequence[float | None]) -> Tensor:
    """Of the scored items, in order."""
    scored = [score for score in scores if score is not None]
    return 100 * torch.tensor(scored, dtype=torch.float64)


def _best_constant(scored: Sequence[dict[str, float]]) -> float:
    """The most that one and the same answer to all items is worth."""
    totals: Counter[str] = Counter()
    for worth in scored:
        totals.update(worth)
    return max(totals.values())


def _guessed(scored: Sequence[dict[str, float]], listed: tuple[str, ...]) -> float:
    """What answers drawn from the list are worth on average."""
    times = Counter(normalise(text) for text in listed)
    return sum(
        value * times[answer] / len(listed) for worth in scored for answer, value in worth.items()
    )
