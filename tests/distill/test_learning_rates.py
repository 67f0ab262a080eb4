"""Schedules of a whole run."""

from __future__ import annotations

import pytest

from albefkit.distill.cosine import Cosine
from albefkit.distill.staircase import Staircase
from albefkit.progress import Progress


def values(schedule, steps, per_epoch=10, max_steps=None):
    epochs = -(-steps // per_epoch)
    max_steps = max_steps or steps
    return [
        schedule(Progress(step, per_epoch, epochs, max_steps=max_steps)) for step in range(steps)
    ]


def test_cosine_rises_to_the_peak_and_falls_to_the_end():
    rates = values(Cosine(peak=1.0, end=0.1, warmup=0.1), 100)
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == max(rates) == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates[9:] == sorted(rates[9:], reverse=True)


def test_cosine_moves_within_an_epoch():
    rates = values(Cosine(peak=1.0, warmup=0), 20)
    assert len(set(rates)) == 20


@pytest.mark.parametrize("warmup", [0, 0.5, 1, 7, 2000])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_cosine_fits_any_length(warmup, steps):
    rates = values(Cosine(peak=1.0, end=0.2, start=0.1, warmup=warmup), steps)
    assert all(0.1 <= rate <= 1.0 for rate in rates)


def test_cosine_reaches_its_peak_where_the_warmup_is_longer_than_training():
    assert values(Cosine(peak=1.0, warmup=2000), 5)[-1] == 1.0


def test_cosine_ends_where_training_ends():
    rates = values(Cosine(peak=1.0, end=0.0, warmup=0.1), 20, max_steps=20)
    short = [Cosine(peak=1.0, warmup=0.1)(Progress(s, 100, 30, max_steps=20)) for s in range(20)]
    assert short == pytest.approx(rates)


def test_warmup_may_be_given_in_steps():
    assert values(Cosine(peak=1.0, warmup=4), 20)[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_staircase_warns_of_a_warmup_longer_than_the_epoch():
    schedule = Staircase(peak=1e-4, warmup_stages=20)
    assert "2000 steps" in (schedule.caveat(Progress(0, 300, 30)) or "")
    assert schedule.caveat(Progress(0, 2500, 30)) is None
    assert "after 5 " in (schedule.caveat(Progress(0, 2500, 30, max_steps=5)) or "")


def test_staircase_without_warmup_starts_at_the_peak():
    assert Staircase(peak=1e-4, warmup_stages=0)(Progress(0, 10, 3)) == 1e-4


@pytest.mark.parametrize(
    ("schedule", "parameters"),
    [(Cosine, {"warmup": -1}), (Staircase, {"warmup_stages": -1}), (Staircase, {"stage_steps": 0})],
)
def test_lengths_are_checked(schedule, parameters):
    with pytest.raises(ValueError, match="expected"):
        schedule(peak=1.0, **parameters)
