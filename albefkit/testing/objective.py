"""The contract of objectives: what they answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from albefkit.assemble import Assembly
from albefkit.engine.step import Step
from albefkit.objectives.base import Objective
from albefkit.predictions import Prediction, Tempered
from albefkit.testing.comparing import differ, expect_same, shaken
from albefkit.testing.contract import DoesNotApply, contract, expect
from albefkit.testing.steps import StepTrial, losses, tensors_of

READ = "albefkit.objectives.base:Objective"
NAME = "tried"
"""The objective's key in the recipe."""


@dataclass(frozen=True)
class ObjectiveTrial(StepTrial):
    """An objective on trial, alone or beside those that it needs."""

    place = f"objectives.{NAME}"

    def alone(self, assembly: Assembly) -> object:
        """The objective and its head."""
        objective = self.build(name=NAME, dataset=assembly.dataset)
        assert isinstance(objective, Objective)
        return objective.head(assembly.pretrainer.student)

    def taught(self, alpha: float) -> ObjectiveTrial:
        """The same beside a teacher that tempers its answer."""
        mod = {"objectives": {"mod": {"alpha": alpha, "of": [NAME]}}}
        return replace(self, beside=_both(self.beside, mod))


def total(step: Step) -> Tensor:
    """The sum of all losses."""
    return torch.stack(list(losses(step).values())).sum()


@contract(READ)
def declares_what_it_reads(trial: ObjectiveTrial) -> None:
    """What `predict` reads is in `reads`, and what choosing pairs takes is in `needs`: no other
    part is built.
    """
    pretrainer = trial.pretrainer()
    step = trial.step(pretrainer)
    try:
        step.take()
    except (AssertionError, AttributeError, TypeError, KeyError) as error:
        has = sorted(frozenset().union(*(each.needs for each in step.objectives.values())))
        expect(
            False, f"with {', '.join(has) or 'nothing'} declared: {type(error).__name__}: {error}"
        )


@contract(READ)
def loss_is_finite_with_a_gradient(trial: ObjectiveTrial) -> None:
    """A step predicts something; each loss is one finite number with a gradient, its floor and its
    metrics are finite numbers.
    """
    step = trial.taken(trial.pretrainer(training=True))
    expect(bool(step.predictions), "nothing is predicted")
    for name, prediction in step.predictions.items():
        expect(isinstance(prediction, Prediction), f"{name} predicts a {type(prediction).__name__}")
        loss = prediction.loss()
        expect(loss.dim() == 0, f"the loss of {name} has shape {tuple(loss.shape)}")
        expect(bool(loss.isfinite()), f"the loss of {name} is {loss.tolist()}")
        expect(loss.requires_grad, f"the loss of {name} has no gradient")
        if prediction.chance is not None:
            chance = float(torch.as_tensor(prediction.chance).detach())
            expect(math.isfinite(chance), f"the floor of {name} is {chance}")
        for metric, value in prediction.metrics().items():
            expect(bool(torch.as_tensor(value).isfinite().all()), f"{metric} is {value}")


@contract(READ)
def every_weight_learns(trial: ObjectiveTrial) -> None:
    """Every weight that the recipe builds for this objective gets a finite gradient, head included:
    data parallelism waits for all of them.
    """
    pretrainer = trial.pretrainer(training=True)
    total(trial.taken(pretrainer)).backward()
    weights = {name: each for name, each in pretrainer.named_parameters() if each.requires_grad}
    silent = [name for name, each in weights.items() if each.grad is None]
    expect(not silent, f"no gradient reaches {', '.join(silent[:6])}")
    wild = [
        n for n, each in weights.items() if each.grad is not None and not each.grad.isfinite().all()
    ]
    expect(not wild, f"the gradient of {', '.join(wild[:6])} is not finite")


@contract(READ)
def pairs_are_rows_of_views(trial: ObjectiveTrial) -> None:
    """Views have the batch's rows, and pairs name rows that their views have: int64 indices of P
    images and P texts, with a weight for each that carries no gradient.
    """
    step = trial.taken(trial.pretrainer())
    rows = len(step.batch)
    for name, view in step.views.items():
        right = view.ids.shape == view.mask.shape and len(view.ids) == rows
        expect(right, f"view {name}: ids {tuple(view.ids.shape)}, mask {tuple(view.mask.shape)}")
    for name, pairs in step.pairs.items():
        images = step.image_views.get(pairs.image_view)
        shown = len(step.batch.images) if images is None else len(images)
        for what, index, limit in (("image", pairs.image, shown), ("text", pairs.text, rows)):
            expect(index.dtype == torch.int64, f"{what} of {name} is {index.dtype}")
            inside = bool(((index >= 0) & (index < limit)).all())
            expect(inside, f"{what} of {name} is {index.min()} to {index.max()} of {limit} rows")
        counts = len(pairs.image), len(pairs.text)
        expect(counts[0] == counts[1], f"{name} pairs {counts[0]} images with {counts[1]} texts")
        if pairs.weight is not None:
            learns = "with" if pairs.weight.requires_grad else "without"
            right = pairs.weight.shape == (len(pairs),) and not pairs.weight.requires_grad
            seen = f"{tuple(pairs.weight.shape)} {learns} a gradient, for {len(pairs)} pairs"
            expect(right, f"the weight of {name} is {seen}")


@contract(READ)
def teacher_answers_the_same_question(trial: ObjectiveTrial) -> None:
    """Where `distillable` is true a teacher answers too: as the student does while it is its
    mirror, with no gradient, and its answer can temper the target.
    """
    if not trial.cls.distillable:  # type: ignore[attr-defined]
        raise DoesNotApply("this objective is not distillable")
    taught = trial.taught(0.5)
    pretrainer = taught.pretrainer()
    step = taught.taken(pretrainer)
    objective, asked = step.objectives[NAME], step.predictions[NAME]
    answer = objective.predict(step, step.teacher)
    expect(isinstance(asked, Tempered), f"a {type(asked).__name__} has no `soften`")
    assert answer is not None and isinstance(asked, Tempered)
    own, theirs = ({"the loss": each.hard_loss().detach()} for each in (asked, answer))
    if not pretrainer.space.needs_of_teacher:
        expect_same(own, theirs, "answered by a teacher that is its mirror")
    untouched = {"the loss": asked.soften(answer, 0.0).loss().detach()}
    expect_same(own, untouched, "where alpha is 0")
    tempered = asked.soften(answer, 0.5)
    before = {id(each) for each in tensors_of(asked).values()}
    new = {name: each for name, each in tensors_of(tempered).items() if id(each) not in before}
    learning = [name for name, each in new.items() if each.requires_grad]
    expect(not learning, f"the teacher's {', '.join(learning)} carries a gradient")
    shaken(pretrainer.teacher.network, seed=9)
    step = taught.taken(pretrainer)
    other = step.objectives[NAME].predict(step, step.teacher)
    assert other is not None
    moved = differ(theirs, {"the loss": other.hard_loss().detach()})
    expect(moved, "a teacher with other weights gives the same answer: who is asked?")


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two layers of a recipe as one."""
    nested = {
        key: _both(one[key], value) if isinstance(value, Mapping) and key in one else value
        for key, value in other.items()
    }
    return {**one, **nested}


CONTRACTS = (
    declares_what_it_reads,
    loss_is_finite_with_a_gradient,
    every_weight_learns,
    pairs_are_rows_of_views,
    teacher_answers_the_same_question,
)
