"""The ramp-up of mean teachers."""

from __future__ import annotations

import math

import pytest
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import RecipeError

from albefkit_siglip.sigmoid_ramp import SigmoidRamp


def at(step: int) -> Progress:
    return Progress(step=step, steps_per_epoch=10, epochs=5)


def test_it_is_the_papers():
    ramp = SigmoidRamp(to=0.4, epochs=2)
    for step in range(20):
        assert ramp(at(step)) == pytest.approx(0.4 * math.exp(-5 * (1 - step / 20) ** 2))
    assert [ramp(at(step)) for step in (20, 21, 49)] == [0.4] * 3


def test_it_sets_out_from_anywhere_and_may_fall():
    ramp = SigmoidRamp(to=0.1, start=0.9)
    values = [ramp(at(step)) for step in range(12)]
    assert values == sorted(values, reverse=True)
    assert 0.89 < values[0] < 0.9 and values[-1] == pytest.approx(0.1)


def test_a_ramp_without_a_length_is_refused():
    edit = "objectives.mod.alpha={type: sigmoid-ramp, to: 0.4, epochs: 0}"
    with pytest.raises(RecipeError, match="expected greater than 0, got 0"):
        load_recipe("albef_tiny", sets=[edit])
