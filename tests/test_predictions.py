"""Answers, their targets, and what a teacher does to them."""

import math

import pytest
import torch
from torch.nn import functional as F

from albefkit.predictions import Choice


def choice(rows: int = 5, classes: int = 7, **arguments) -> Choice:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    answers = torch.randint(0, classes, (rows,), generator=generator)
    return Choice(logits.requires_grad_(), answers, math.log(classes), **arguments)


def test_softened_loss_is_the_mixture_of_the_losses():
    student, teacher = choice(), choice()
    teacher = Choice(teacher.logits.detach().flip(1), teacher.answers, 0.0)
    soft = -(teacher.logits.softmax(1) * student.logits.log_softmax(1)).sum(1).mean()
    expected = 0.6 * F.cross_entropy(student.logits, student.answers) + 0.4 * soft
    torch.testing.assert_close(student.soften(teacher, 0.4).loss(), expected)


def test_softening_leaves_the_data_and_the_teacher_alone():
    student = choice()
    teacher_logits = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    softened = student.soften(Choice(teacher_logits, student.answers, 0.0), 0.5)
    softened.loss().backward()
    assert teacher_logits.grad is None
    torch.testing.assert_close(softened.hard_loss(), student.hard_loss())


def test_soft_and_hard_answers_agree():
    hard = choice()
    soft = Choice(hard.logits, F.one_hot(hard.answers, 7).double(), hard.chance)
    teacher = Choice(hard.logits.detach() * 2, hard.answers, 0.0)
    torch.testing.assert_close(soft.loss(), hard.loss())
    torch.testing.assert_close(soft.soften(teacher, 0.3).loss(), hard.soften(teacher, 0.3).loss())
    torch.testing.assert_close(soft.accuracy(), hard.accuracy())


def test_rows_of_weight_zero_count_for_nothing():
    whole = choice()
    part = Choice(whole.logits[:3], whole.answers[:3], whole.chance)
    weighted = choice(weight=torch.tensor([1.0, 1, 1, 0, 0], dtype=torch.float64))
    torch.testing.assert_close(weighted.loss(), part.loss())
    assert weighted.skipped() == 2


@pytest.mark.parametrize("weight", [None, torch.zeros(0)])
def test_no_rows_is_a_loss_of_zero_with_a_gradient(weight):
    logits = torch.zeros(0, 7, requires_grad=True)
    loss = Choice(logits, torch.zeros(0, dtype=torch.int64), 1.0, weight).loss()
    loss.backward()
    assert loss == 0


def test_half_precision_logits_are_judged_in_float32():
    rows = choice()
    half = Choice(rows.logits.detach().bfloat16(), rows.answers, rows.chance)
    assert half.loss().dtype == torch.float32
