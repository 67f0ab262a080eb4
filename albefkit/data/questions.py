"""The released files of questions about images (spec 5.2 and 14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from albefkit.data.base import WeightedAnswers
from albefkit.data.entries import WrongEntryError, text_in, texts_in, wrong

WHAT = "question"
FORM = (
    '{"image": path, "question": text, "answer": text or list of texts, '
    '"question_id": number or text, "dataset": "vqa" or "vg"}'
)
VQA, VISUAL_GENOME = "vqa", "vg"
VISUAL_GENOME_WEIGHT = 0.5
"""What the answer of a Visual Genome question counts: one person gave it, not ten."""

_LARGEST = 2**63


class QuestionRow(NamedTuple):
    """One entry of a file.

    Args:
        image: path of the image, as written.
        question: as found, not cleaned.
        answers: None where nobody says.
        question_id: None where the file has none.
        dataset: which collection of images it is about: `vqa`, `vg` or another name.
    """

    image: str
    question: str
    answers: WeightedAnswers | None
    question_id: int | str | None
    dataset: str


def question_row(index: int, entry: Mapping[str, Any]) -> QuestionRow:
    """The row of an entry; one without `dataset` is `vqa`.

    Raises:
        WrongEntryError: the entry is not as it should be.
    """
    image, question = text_in(entry, "image", "the path of an image"), text_in(entry, "question")
    dataset = text_in(entry, "dataset", "a name") if "dataset" in entry else VQA
    return QuestionRow(image, question, _answers(entry, dataset), _question_id(entry), dataset)


def answered_row(index: int, entry: Mapping[str, Any]) -> QuestionRow:
    """The row of an entry that has to say the answer, as training needs it.

    Raises:
        WrongEntryError: the entry is not as it should be.
    """
    row = question_row(index, entry)
    if row.answers is None:
        if "answer" in entry:
            raise wrong(entry, "answer", "a text or a list of texts")
        raise WrongEntryError("answer", "is missing; a question to learn from needs one.")
    return row


def _answers(entry: Mapping[str, Any], dataset: str) -> WeightedAnswers | None:
    if not entry.get("answer"):
        return None
    given = texts_in(entry, "answer")
    if not all(text.strip() for text in given):
        raise wrong(entry, "answer", "texts that say something")
    answers = WeightedAnswers.counted(given)
    if dataset != VISUAL_GENOME:
        return answers
    return answers._replace(weights=tuple(VISUAL_GENOME_WEIGHT * w for w in answers.weights))


def _question_id(entry: Mapping[str, Any]) -> int | str | None:
    given = entry.get("question_id")
    if isinstance(given, bool) or not isinstance(given, int | str | None):
        raise wrong(entry, "question_id", "a number or a text")
    if isinstance(given, int) and not -_LARGEST <= given < _LARGEST:
        raise wrong(entry, "question_id", "a number of 64 bits")
    return given
