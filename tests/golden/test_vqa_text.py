"""Words of questions and answers, and how answers are scored, against the released code."""

from __future__ import annotations

import pytest

from albefkit.data.text import pre_question
from albefkit.evaluation.vqa_metric import agreement, normalise
from tests.golden.cases import case_dirs, case_name
from tests.golden.released_run import read_json

cases = pytest.mark.parametrize("case", case_dirs("text"), ids=case_name)


@cases
def test_questions_are_cleaned(case):
    rows = read_json(case, "data")["pre_question"]
    assert rows
    for row in rows:
        assert pre_question(row["inp"], row["max_words"]) == row["out"], row


@cases
def test_answers_are_normalised(case):
    rows = read_json(case, "data")["vqa_normalise"]
    assert rows
    for row in rows:
        assert normalise(row["inp"]) == row["out"], row


@cases
def test_answers_are_scored(case):
    stored = read_json(case, "data")["vqa_accuracy"]
    worth = agreement(stored["gt_answers"])
    assert stored["accuracy_percent"]
    for answer, percent in stored["accuracy_percent"].items():
        assert 100 * worth.get(normalise(answer), 0.0) == pytest.approx(percent), answer
