"""What albefkit asks of every objective and every schedule."""

from __future__ import annotations

import pytest
from albefkit.distill.schedules import Schedule
from albefkit.objectives.base import Objective
from albefkit.testing import conformance

from albefkit_siglip.sigmoid_contrast import SigmoidContrast
from albefkit_siglip.sigmoid_ramp import SigmoidRamp


@pytest.mark.parametrize(
    ("kind", "name", "component"),
    [
        (Objective, "sigmoid-contrast", SigmoidContrast),
        (Schedule, "sigmoid-ramp", SigmoidRamp),
    ],
)
def test_recipes_know_it_by_name(kind, name, component):
    assert kind.by_name(name) is component


@conformance("objective", "sigmoid-contrast")
def test_sigmoid_contrast(check):
    check()


@conformance("schedule", "sigmoid-ramp", options={"to": 0.4})
def test_sigmoid_ramp(check):
    check()
