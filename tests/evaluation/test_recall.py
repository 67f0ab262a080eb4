"""Recalls against counting by hand."""

from __future__ import annotations

import math

import pytest
import torch

from albefkit.evaluation.information import contrastive_bound
from albefkit.evaluation.recall import chance_recalls, mean_recall, ranks, recalls


def by_hand(scores: list[float], right: list[bool]) -> int:
    """Put the candidates in order, wrong ones first among equals, and look for a right one."""
    order = sorted(zip(scores, right, strict=True), key=lambda item: (-item[0], item[1]))
    places = [place for place, (_, is_right) in enumerate(order) if is_right]
    return places[0] if places else len(order)


@pytest.mark.parametrize("seed", range(20))
def test_ranks_are_those_of_sorting(seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 6, (15, 12), generator=generator).float()  # many ties
    right = torch.rand(15, 12, generator=generator) < 0.15
    expected = [by_hand(*rows) for rows in zip(scores.tolist(), right.tolist(), strict=True)]
    assert ranks(scores, right).tolist() == expected


def test_saying_the_same_of_all_gains_nothing():
    assert ranks(torch.zeros(1, 10), torch.eye(10, dtype=torch.bool)[:1]).tolist() == [9]


@pytest.mark.parametrize("score", [math.nan, -math.inf])
def test_what_cannot_be_compared_comes_last(score):
    right = torch.tensor([[True, False, False]])
    assert ranks(torch.tensor([[score, 0.0, 1.0]]), right).tolist() == [2]
    assert ranks(torch.tensor([[0.5, math.nan, 0.0]]), right).tolist() == [1]


def test_any_right_candidate_will_do():
    right = torch.tensor([[True, False, True, False]])
    assert ranks(torch.tensor([[0.0, 2.0, 3.0, 1.0]]), right).tolist() == [0]


def test_recalls_are_percentages_of_queries():
    assert recalls(torch.tensor([0, 3, 9, 20]), "text") == {
        "text_r1": 25.0,
        "text_r5": 50.0,
        "text_r10": 75.0,
    }


def test_chance_is_what_random_orders_give():
    generator = torch.Generator().manual_seed(0)
    right = torch.zeros(4000, 30, dtype=torch.bool)
    right[:, :2] = True
    found = recalls(ranks(torch.rand(right.shape, generator=generator), right), "text")
    expected = chance_recalls(right.sum(1), 30, "text")
    assert expected["text_r1"] == pytest.approx(100 * 2 / 30)
    assert found == pytest.approx(expected, abs=3)


def test_chance_is_certain_where_the_gallery_is_small():
    assert chance_recalls(torch.ones(3), 3, "text")["text_r5"] == 100.0


def test_the_mean_of_six():
    metrics = {f"{way}_r{cut}": float(cut) for way in ("text", "image") for cut in (1, 5, 10)}
    assert mean_recall(metrics) == pytest.approx(16 / 3)


def test_a_contrastive_bound_lies_between_nothing_and_the_log_of_the_candidates():
    answers = torch.arange(8)
    assert contrastive_bound(torch.zeros(8, 8), answers) == pytest.approx(0.0)
    assert contrastive_bound(1e4 * torch.eye(8), answers) == pytest.approx(math.log(8))
