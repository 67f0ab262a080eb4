"""The contract of evaluators."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from albefkit.engine.precision import Precision
from albefkit.evaluation.base import Evaluator, Result, Subject
from albefkit.feeding import subject
from albefkit.registry.errors import AlbefkitWarning
from albefkit.testing.comparing import expect_same, state
from albefkit.testing.contract import contract, expect
from albefkit.testing.steps import StepTrial
from albefkit.testing.watching import random_state

READ = "albefkit.evaluation.base:Evaluator"
NAME = "tried"
"""The evaluator's key in the recipe."""


@dataclass(frozen=True)
class EvaluatorTrial(StepTrial):
    """An evaluator on trial, and a network that has learnt nothing to examine."""

    place = f"evaluate.{NAME}"
    company = {"objectives": {"itc": {}, "itm": {}}}  # noqa: RUF012

    def examined(self) -> Subject:
        """Who is examined, in evaluation mode."""
        assembly = self.assembly()
        self.settled(assembly).eval()
        return replace(subject(assembly, Precision("fp32", torch.device("cpu"))), batch_size=4)

    def evaluate(self, who: Subject) -> Result:
        """What is found; warnings about the little there is are not the point."""
        evaluator: Evaluator = self.build()
        evaluator.require(who.network)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AlbefkitWarning)
            return evaluator.evaluate(who)

    @cached_property
    def found(self) -> Result:
        """What is found once."""
        return self.evaluate(self.examined())

    def exercise(self) -> None:
        """Examine a network."""
        self.evaluate(self.examined())


@contract(READ)
def figures_are_finite_numbers(trial: EvaluatorTrial) -> None:
    """Metrics, the score, chances and bounds are finite floats; chances are of metrics."""
    found = trial.found
    expect(bool(found.metrics), "there are no metrics")
    tables = (("metrics", found.metrics), ("chance", found.chance), ("bounds", found.bounds))
    for name, table in (*tables, ("score", {"": found.score})):
        for metric, value in table.items():
            right = isinstance(value, float) and math.isfinite(value)
            expect(right, f"{name} {metric} is {value!r}")
    strangers = sorted(found.chance.keys() - found.metrics.keys())
    expect(not strangers, f"there is a chance for {', '.join(strangers)}, and no such metric")


@contract(READ)
def samples_explain_the_metrics(trial: EvaluatorTrial) -> None:
    """Each of `samples` is of a metric, has one figure for everything in `sampled`, and its mean is
    the metric: two networks are compared by them.
    """
    found = trial.found
    count = len(found.sampled)
    expect(len(set(found.sampled)) == count, "two of `sampled` have the same name")
    for name, figures in found.samples.items():
        expect(name in found.metrics, f"there are samples of {name}, and no such metric")
        expect(len(figures) == count, f"{name} has {len(figures)} samples of {count}")
        mean, metric = math.fsum(figures) / max(1, count), found.metrics[name]
        near = math.isclose(mean, metric, rel_tol=1e-5, abs_tol=1e-4)
        expect(near, f"the samples of {name} have the mean {mean:.6g}, and it is {metric:.6g}")


@contract(READ)
def items_can_be_written_down(trial: EvaluatorTrial) -> None:
    """`items` are lists of plain values, so that they can be written as JSON."""
    found = trial.found
    for name, values in found.items.items():
        expect(isinstance(values, list), f"{name} is a {type(values).__name__}")
        try:
            json.dumps(values, allow_nan=False)
        except (TypeError, ValueError) as error:
            expect(False, f"{name} cannot be written as JSON: {error}")


@contract(READ)
def leaves_the_network_as_it_was(trial: EvaluatorTrial) -> None:
    """The network has afterwards the weights, gradients and modes that it had before."""
    who = trial.examined()
    before, modes = state(who.network), [each.training for each in who.network.modules()]
    asks = [each.requires_grad for each in who.network.parameters()]
    trial.evaluate(who)
    expect_same(before, state(who.network), "after the examination", tolerance=0.0)
    now = [each.training for each in who.network.modules()]
    expect(now == modes, f"{sum(now)} of {len(now)} modules are in training mode, not {sum(modes)}")
    still = [each.requires_grad for each in who.network.parameters()]
    expect(asks == still, "other weights take a gradient than before")
    graded = [name for name, each in who.network.named_parameters() if each.grad is not None]
    expect(not graded, f"{', '.join(graded[:4])} has a gradient")


@contract(READ)
def same_network_same_figures(trial: EvaluatorTrial) -> None:
    """The figures are a function of network and data, whatever the global generators are at."""
    found = []
    for seed in (1, 2):
        with random_state(seed):
            found.append(trial.evaluate(trial.examined()))
    for name, value in found[0].metrics.items():
        other = found[1].metrics.get(name)
        expect(value == other, f"{name} is {value} and, with another global seed, {other}")
    expect(found[0].items == found[1].items, "items are others with another global seed")


CONTRACTS = (
    figures_are_finite_numbers,
    samples_explain_the_metrics,
    items_can_be_written_down,
    leaves_the_network_as_it_was,
    same_network_same_figures,
)
