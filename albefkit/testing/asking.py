"""The contract of objectives: how they ask, and what they leave alone."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from albefkit.engine.step import Step
from albefkit.predictions import Prediction
from albefkit.testing.comparing import expect_same, kept, state
from albefkit.testing.contract import contract, expect
from albefkit.testing.elsewhere import META, elsewhere
from albefkit.testing.objective import READ, ObjectiveTrial, total
from albefkit.testing.steps import answers, losses, tensors_of
from albefkit.testing.watching import GENERATORS, changed, random_state


@contract(READ)
def predict_changes_nothing(trial: ObjectiveTrial) -> None:
    """`predict` answers the same when it is asked again, and changes no weight and no memory."""
    pretrainer = trial.pretrainer()
    step = trial.taken(pretrainer)
    before, first = state(pretrainer), _tensors(step.predictions)
    again: dict[str, Prediction] = {}
    for name, objective in step.objectives.items():
        if (found := objective.predict(step, step.student)) is not None:
            again[name] = found
    expect_same(before, state(pretrainer), "after predict was called again", tolerance=0.0)
    second = {n: e for n, e in _tensors(again).items() if n in first and e.shape == first[n].shape}
    expect_same({name: first[name] for name in second}, second, "the second time")


@contract(READ)
def shared_tokens_stay_as_they_are(trial: ObjectiveTrial) -> None:
    """The batch, encoded tokens and fused pairs are everybody's: nobody changes them in place."""
    pretrainer = trial.pretrainer()
    step = trial.step(pretrainer, copy.deepcopy(trial.batch))
    batch = kept(list(_batch_tensors(step)))
    with torch.no_grad():
        for name, objective in step.objectives.items():
            if (view := objective.text_view(step)) is not None:
                step.views[name] = view
            if (image_view := objective.image_view(step)) is not None:
                step.image_views[name] = image_view
        tokens = [step.student.images().tokens]
        for name, objective in step.objectives.items():
            if (pairs := objective.pairs(step)) is not None:
                step.pairs[name] = pairs
        if step.pairs or pretrainer.student.text_projection is not None:
            tokens.append(step.student.texts().tokens)
        for name in step.pairs:
            fused = step.student.fused(name)
            tokens += [fused.text_tokens, fused.pooled]
        seen = kept(tokens)
        for name, objective in step.objectives.items():
            if (answer := objective.predict(step, step.student)) is not None:
                step.predictions[name] = answer
        for objective in step.objectives.values():
            step.predictions.update(objective.temper(step))
    expect_same(
        batch, kept(list(_batch_tensors(step))), "after the step (the batch, by place)", 0.0
    )
    expect_same(seen, kept(tokens), "after the step (tokens, by place)", tolerance=0.0)


@contract(READ)
def choices_come_from_the_step(trial: ObjectiveTrial) -> None:
    """Every random choice is drawn from `step.generator(name)`: without dropout a step repeats
    itself, and global generators stay where they are.
    """
    pretrainer = trial.pretrainer()
    moved = changed(GENERATORS, lambda: trial.taken(pretrainer))
    expect(not moved, f"{' and '.join(moved)} has moved")
    found = []
    for seed in (1, 2):
        with random_state(seed):
            found.append(answers(trial.taken(pretrainer)))
    expect_same(found[0], found[1], "in the same step", tolerance=0.0)


@contract(READ)
def waits_for_no_device(trial: ObjectiveTrial) -> None:
    """A step never waits for the device: no `.item()`, `.tolist()`, `bool()`, `.cpu()` or `nonzero`
    of what lies there, in views, pairs, predictions, losses or metrics.
    """
    pretrainer = trial.pretrainer(training=True).to(META)
    step = trial.step(pretrainer, trial.batch.to(META))
    with elsewhere():
        step.take()
        for prediction in step.predictions.values():
            prediction.loss()
            prediction.metrics()


@contract(READ)
def state_dict_holds_everything(trial: ObjectiveTrial) -> None:
    """From a state_dict comes the same step: nothing that matters is kept elsewhere."""
    one, other = trial.pretrainer(1), trial.pretrainer(2)
    one.space.remember(trial.taken(one))
    other.load_state_dict(one.state_dict())
    expected, found = (answers(trial.taken(each)) for each in (one, other))
    expect_same(expected, found, "after its state_dict was loaded into another")


@contract(READ)
def works_in_bfloat16(trial: ObjectiveTrial) -> None:
    """Under autocast to bfloat16 losses and gradients are finite, and losses about the same."""
    pretrainer = trial.pretrainer()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        step = trial.taken(pretrainer)
        total(step).backward()
    wild = [
        name
        for name, each in pretrainer.named_parameters()
        if each.grad is not None and not each.grad.isfinite().all()
    ]
    expect(not wild, f"the gradient of {', '.join(wild[:6])} is not finite")
    expect_same(losses(trial.taken(pretrainer)), losses(step), "under autocast", tolerance=0.2)


CONTRACTS = (
    predict_changes_nothing,
    shared_tokens_stay_as_they_are,
    choices_come_from_the_step,
    waits_for_no_device,
    state_dict_holds_everything,
    works_in_bfloat16,
)


def _tensors(predictions: dict[str, Prediction]) -> dict[str, Tensor]:
    return {
        f"{name}.{part}": each.detach().clone()
        for name, prediction in predictions.items()
        for part, each in tensors_of(prediction).items()
        if part != "advice"
    }


def _batch_tensors(step: Step) -> Iterator[Tensor]:
    batch = step.batch
    yield from (batch.images, batch.text.ids, batch.text.mask, batch.image_id, batch.text_id)
    yield from (each for each in batch.fields.values() if isinstance(each, Tensor))
