"""The closed list of answers: made from training questions, written, and read (spec 5.3 and 14)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from albefkit.data.entries import describe, read_rows
from albefkit.data.files import read_json
from albefkit.data.questions import FORM, WHAT, answered_row
from albefkit.registry.errors import DataError, Problem

NAME = "answer_list.json"
"""What the file is called in a folder of questions."""


class AnswerList(NamedTuple):
    """The answers that training questions have, the commonest first.

    Args:
        answers: no two alike; equally common ones by the alphabet.
        covered: how many questions have one of them.
        questions: how many questions there are.
    """

    answers: tuple[str, ...]
    covered: int
    questions: int


def make_answer_list(files: Sequence[Path], least: int = 1, most: int | None = None) -> AnswerList:
    """The answers of training files; the same files give the same list, in whatever order.

    Every annotator's answer counts once, as it is written.

    Args:
        files: JSON lists of questions in the released format.
        least: leave out answers given less often than this.
        most: keep only so many, the commonest; None: all.

    Raises:
        DataError: a file is not as it should be, or no answer is common enough.
    """
    given = [row.answers.given for row in read_rows(files, answered_row, WHAT, FORM) if row.answers]
    counts = Counter(answer for answers in given for answer in answers)
    common = [answer for answer, count in counts.items() if count >= least]
    listed = sorted(common, key=lambda answer: (-counts[answer], answer))[:most]
    if not listed:
        commonest, count = min(counts.items(), key=lambda each: (-each[1], each[0]))
        message = f"no answer is given {least} times; the commonest, '{commonest}', {count} times."
        raise DataError(Problem("", "", message, "Give a smaller --least."))
    kept = set(listed)
    covered = sum(not kept.isdisjoint(answers) for answers in given)
    return AnswerList(tuple(listed), covered, len(given))


def write_answer_list(path: Path, answers: Iterable[str]) -> None:
    """Write a list as JSON.

    Raises:
        DataError: the file cannot be written.
    """
    text = json.dumps(list(answers), ensure_ascii=False, indent=0) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"the answer list cannot be written: {error.strerror}."
        raise DataError(Problem(str(path), "", message)) from None


def read_answer_list(path: Path) -> tuple[str, ...]:
    """The answers of a file, in its order.

    Raises:
        DataError: there is no such file, or it is not a list of different texts.
    """
    given = read_json(path, "answer list")
    if not isinstance(given, list):
        message = f"given {describe(given)}, expected a list of answers."
        raise DataError(Problem(str(path), "", message))
    if not given:
        raise DataError(Problem(str(path), "", "the list has no answers."))
    first: dict[str, int] = {}
    for place, answer in enumerate(given):
        where = f"{path}[{place}]"
        if not isinstance(answer, str) or not answer.strip():
            message = f"given {describe(answer)}, expected an answer, a text that says something."
            raise DataError(Problem(where, "", message))
        if answer in first:
            message = f"'{answer}' is there already, at [{first[answer]}]."
            raise DataError(Problem(where, "", message, "Every answer stands in the list once."))
        first[answer] = place
    return tuple(first)
