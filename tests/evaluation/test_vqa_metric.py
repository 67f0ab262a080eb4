"""The standard rule for scoring answers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from albefkit.evaluation.vqa_metric import agreement, normalise


def leave_one_out(answer: str, given: list[str]) -> float:
    """The rule as it is written down."""
    scores = []
    for number in range(len(given)):
        others = given[:number] + given[number + 1 :]
        scores.append(min(1.0, others.count(answer) / 3))
    return sum(scores) / len(scores)


@pytest.mark.parametrize(
    "given",
    [
        ["yes"] * 10,
        ["yes"] * 5 + ["no"] * 5,
        ["red"] * 4 + ["blue"] * 3 + ["green"] * 2 + ["pink"],
        [f"answer {number}" for number in range(10)],
    ],
)
def test_ten_annotators_are_compared_leaving_one_out(given):
    worth = agreement(given)
    assert set(worth) == set(given)
    for answer, value in worth.items():
        assert value == pytest.approx(leave_one_out(answer, given))


def test_the_more_agree_the_better():
    given = ["a1"] + ["b1"] * 2 + ["c1"] * 3 + ["d1"] * 4
    values = [agreement(given)[answer] for answer in ("a1", "b1", "c1", "d1")]
    assert values == pytest.approx([0.3, 0.6, 0.9, 1.0])
    assert all(less < more for less, more in pairwise(values))


@pytest.mark.parametrize("given", [["desk"], ["desk", "Table"], ["desk"] * 3])
def test_with_fewer_annotators_every_answer_given_is_right(given):
    assert agreement(given) == dict.fromkeys({"desk", "table"} & set(map(str.lower, given)), 1.0)


def test_answers_that_mean_the_same_are_counted_together():
    worth = agreement(["2", "two", "Two."] + ["none"] * 7)
    assert worth == pytest.approx({"2": 0.9, "0": 1.0})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Yes.", "yes"),
        ("The  big,  red dog!", "big red dog"),
        ("t-shirt", "t shirt"),
        ("semi -circle", "semi circle"),
        ("10,000-20,000", "1000020000"),
        ("7.5", "7.5"),
        ("dr. who", "dr who"),
        ("shouldntve", "shouldntve"),
        ("shouldnt've", "shouldn't've"),
        ("yall'd've", "y'all'd've"),
        ("Dont\nknow\t", "don't know"),
        ("ten", "10"),
        ("an", ""),
    ],
)
def test_what_makes_no_difference_disappears(answer, expected):
    assert normalise(answer) == expected
