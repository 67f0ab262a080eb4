"""Verdicts, their targets, and what a teacher does to them."""

from __future__ import annotations

import math

import pytest
import torch
from albefkit.predictions import Tempered

from albefkit_siglip.sigmoid_contrast import prior_loss
from albefkit_siglip.verdict import Verdict


def verdict(seed: int = 0, dtype: torch.dtype = torch.float64) -> Verdict:
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 4, generator=draw, dtype=torch.float64).to(dtype)
    answers = torch.eye(3, 4, dtype=torch.float64)
    return Verdict(logits.requires_grad_(), answers, 1.0)


def by_hand(logits: torch.Tensor, targets: torch.Tensor) -> float:
    """`-y log p - (1 - y) log(1 - p)`, candidate by candidate."""
    total = 0.0
    for said, target in zip(logits.flatten().tolist(), targets.flatten().tolist(), strict=True):
        yes = 1 / (1 + math.exp(-said))
        total -= target * math.log(yes) + (1 - target) * math.log(1 - yes)
    return total / len(logits)


def test_the_loss_is_summed_over_candidates_and_meant_over_rows():
    asked = verdict()
    assert asked.loss().item() == pytest.approx(by_hand(asked.logits, asked.answers), rel=1e-12)
    assert torch.equal(asked.loss(), asked.hard_loss())


def test_softened_loss_is_the_mixture_of_the_losses():
    student, teacher = verdict(0), verdict(1)
    softened = student.soften(teacher, 0.4)
    advised = by_hand(student.logits, teacher.logits.sigmoid())
    expected = 0.6 * by_hand(student.logits, student.answers) + 0.4 * advised
    assert isinstance(softened, Tempered)
    assert softened.loss().item() == pytest.approx(expected, rel=1e-12)
    assert torch.equal(softened.hard_loss(), student.hard_loss())
    softened.loss().backward()
    assert teacher.logits.grad is None and student.logits.grad is not None


def test_half_precision_is_judged_in_float32():
    half = verdict(dtype=torch.bfloat16)
    assert half.loss().dtype == half.soften(half, 0.4).loss().dtype == torch.float32


def test_nothing_is_asked_where_the_logits_are_very_negative():
    asked = verdict()
    wide = Verdict(
        torch.cat([asked.logits, torch.full((3, 9), -1e4)], 1).detach().requires_grad_(),
        torch.cat([asked.answers, torch.zeros(3, 9)], 1),
        1.0,
    )
    for each, other in ((wide, asked), (wide.soften(wide, 0.3), asked.soften(asked, 0.3))):
        torch.testing.assert_close(each.loss(), other.loss(), rtol=1e-12, atol=0)
    wide.loss().backward()
    assert wide.logits.grad is not None and not wide.logits.grad[:, 4:].any()


def test_the_likeliest_candidate_is_right_or_wrong():
    said = torch.tensor([[2.0, 1, 0], [0, 0, 3], [5, 0, -1], [-1, -2, -3]])
    answers = torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 0, 1], [0, 1, 0]])
    assert Verdict(said, answers, 1.0).metrics()["accuracy"] == 0.5


def test_chance_is_what_the_best_constant_verdict_gets():
    answers = torch.eye(4, 10, dtype=torch.float64)
    answers[0, 3] = 1
    chance = prior_loss(answers, torch.tensor(10.0, dtype=torch.float64))
    odds = 5 / 40
    constant = torch.full((4, 10), math.log(odds / (1 - odds)), dtype=torch.float64)
    torch.testing.assert_close(Verdict(constant, answers, 0.0).loss(), chance)
    for other in (constant - 0.1, constant + 0.1):
        assert Verdict(other, answers, 0.0).loss() > chance
    assert prior_loss(torch.ones(1, 1), torch.tensor(1.0)) == 0  # one pair, nothing to guess
