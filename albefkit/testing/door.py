"""All checks of a component: to be called one by one, or as one test each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from albefkit.registry import Registrable
from albefkit.registry.catalogue import known_kind
from albefkit.testing import (
    asking,
    dataset,
    evaluator,
    every_kind,
    fusion,
    keys,
    negatives,
    objective,
    optimizer,
    schedule,
    teacher,
    text,
    vision,
)
from albefkit.testing.contract import Contract
from albefkit.testing.trial import Trial

if TYPE_CHECKING:
    import pytest

KITS: Mapping[str, tuple[type[Trial], tuple[Contract[Any], ...]]] = {
    "vision": (vision.VisionTrial, vision.CONTRACTS),
    "text": (text.TextTrial, text.CONTRACTS),
    "fusion": (fusion.FusionTrial, fusion.CONTRACTS),
    "keys": (keys.KeysTrial, keys.CONTRACTS),
    "negatives": (negatives.NegativesTrial, negatives.CONTRACTS),
    "objective": (objective.ObjectiveTrial, objective.CONTRACTS + asking.CONTRACTS),
    "teacher": (teacher.TeacherTrial, teacher.CONTRACTS),
    "schedule": (schedule.ScheduleTrial, schedule.CONTRACTS),
    "optimizer": (optimizer.OptimizerTrial, optimizer.CONTRACTS),
    "dataset": (dataset.DatasetTrial, dataset.CONTRACTS),
    "evaluator": (evaluator.EvaluatorTrial, evaluator.CONTRACTS),
}
"""Kind -> how a component of it is tried, and what it keeps to."""


@dataclass(frozen=True)
class Check:
    """One contract, and a component to be held to it.

    Args:
        contract: what is checked.
        trial: the component.
    """

    contract: Contract[Any]
    trial: Trial

    def __call__(self) -> None:
        """Try it.

        Raises:
            ContractBroken: the component does something else.
            DoesNotApply: the contract says nothing about it.
        """
        self.contract(self.trial)

    def __str__(self) -> str:
        return self.contract.name


def checks(
    kind: str,
    component: str | type[Registrable],
    *,
    options: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
) -> list[Check]:
    """Every check of a component; nothing is built or imported before one of them is called.

    Args:
        kind: its kind.
        component: the name by which a recipe means it, or its class.
        options: what a recipe says to it; small sizes make quick checks.
        beside: what the recipe around it says of everything else, on top of a micro model: other
            data, another fusion, objectives that it refers to.

    Raises:
        ComponentError: there is no such kind.
    """
    trial_class, contracts = KITS[known_kind(kind)]
    trial = trial_class(kind, component, options or {}, beside or {})
    return [Check(each, trial) for each in (*every_kind.CONTRACTS, *contracts)]


def conformance(
    kind: str,
    component: str | type[Registrable],
    *,
    options: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
) -> pytest.MarkDecorator:
    """Decorate a test `def test_it(check): check()` with every check of a component, one test each.

    Arguments are those of `checks`.
    """
    import pytest

    found = checks(kind, component, options=options, beside=beside)
    return pytest.mark.parametrize("check", found, ids=str)
