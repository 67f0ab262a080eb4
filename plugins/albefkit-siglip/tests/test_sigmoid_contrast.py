"""The question, inside of real steps: numbers by hand, gradients, keys, teachers."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from albefkit.assemble import Assembly
from albefkit.engine.step import Step
from albefkit.progress import Progress
from albefkit.registry.errors import RecipeError
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .conftest import ROWS, Assemble, first_batch

NAME = "sigmoid-contrast"
ALONE = ("objectives.itm=null", "objectives.mlm=null", "objectives.mod=null", "model.fusion=null")
QUEUE = "alignment.keys={type: momentum-queue, size: 7}"
MIDDLE = Progress(step=2, steps_per_epoch=4, epochs=1)
SAME = {(0, 2), (1, 3)}


def take(assembly: Assembly) -> Step:
    return assembly.pretrainer.step(first_batch(assembly), MIDDLE)


def belongs(positives: str, row: int, other: int) -> bool:
    pair = (min(row, other), max(row, other))
    same = {"pair": set(), "image": {(0, 2)}, "image-or-text": SAME}[positives]
    return row == other or pair in same


def judged(scale: float, bias: float, rows: Tensor, keys: Tensor, right: Any) -> float:
    """`-log sigmoid(z (t x.y + b))` over all rows and keys, as section 3.2 writes it."""
    total = 0.0
    for row, x in enumerate(rows.tolist()):
        for key, y in enumerate(keys.tolist()):
            z = 1 if right(row, key) else -1
            dot = sum(a * b for a, b in zip(x, y, strict=True))
            total += math.log1p(math.exp(-z * (scale * dot + bias)))
    return total / len(rows)


@pytest.mark.parametrize("positives", ["pair", "image", "image-or-text"])
def test_in_a_batch_it_is_the_papers_loss(assembled: Assemble, positives: str):
    step = take(assembled(f"objectives.{NAME}.positives={positives}", *ALONE))
    image, text = step.student.image_features(), step.student.text_features()
    expected = judged(10.0, -3.5, image, text, lambda row, key: belongs(positives, row, key))
    assert step.predictions[NAME].loss().item() == pytest.approx(expected, rel=1e-6)


def test_with_a_queue_batches_are_judged_against_the_teachers_past_too(assembled: Assemble):
    assembly = assembled(QUEUE, *ALONE)
    batch = first_batch(assembly)
    assembly.pretrainer(batch, MIDDLE)  # five of seven places are now filled
    step = assembly.pretrainer.step(batch, MIDDLE)
    keys = assembly.pretrainer.space.keys

    def right(row: int, key: int) -> bool:
        return belongs("image-or-text", row, key % ROWS)

    both = 0.0
    for seen, now, past in (
        (step.student.image_features(), step.teacher.text_features(), keys.text_queue),
        (step.student.text_features(), step.teacher.image_features(), keys.image_queue),
    ):
        both += judged(10.0, -3.5, seen, torch.cat([now, past[:ROWS]]), right) / 2
    prediction = step.predictions[NAME]
    assert prediction.loss().item() == pytest.approx(both, rel=1e-6)
    prediction.loss().backward()
    assert keys.text_queue.grad is None
    assert all(each.grad is None for each in assembly.pretrainer.teacher.parameters())


def test_empty_places_of_a_queue_change_nothing(assembled: Assemble):
    found = []
    for size in (7, 90):
        prediction = take(assembled(f"{QUEUE[:-2]}{size}}}", *ALONE)).predictions[NAME]
        found.append((prediction.loss().item(), float(prediction.chance or 0)))
    assert found[0] == pytest.approx(found[1], rel=1e-12)


@pytest.mark.parametrize("keys", ["alignment.keys=in-batch", QUEUE])
def test_features_temperature_and_bias_learn(assembled: Assemble, keys: str):
    pretrainer = assembled(keys, *ALONE).pretrainer
    report = pretrainer(first_batch(assembled(keys, *ALONE)), MIDDLE)
    report.loss.backward()
    assert report.losses.keys() == report.floors.keys() == {NAME}
    for weight in (
        pretrainer.student.image_projection.weight,
        pretrainer.student.text_projection.weight,
        pretrainer.space.temperature,
        pretrainer.objectives[NAME].bias,
    ):
        assert weight.grad is not None and weight.grad.abs().sum() > 0


def test_the_bias_takes_no_decay_and_is_saved(assembled: Assemble):
    assembly = assembled(*ALONE)
    name = f"objectives.{NAME}.bias"
    assert assembly.pretrainer.state_dict()[name] == -3.5
    assert not assembly.optimizer.decays(name, dict(assembly.pretrainer.named_parameters())[name])


def test_momentum_distillation_tempers_it(assembled: Assemble):
    assembly = assembled("objectives.mod.alpha=0.4", "model.fusion=null", *ALONE[:2])
    with torch.no_grad():  # a teacher that sees things differently
        for weight in assembly.pretrainer.teacher.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    step = take(assembly)
    prediction, hard = step.predictions[NAME], 0.0
    advised = 0.0
    teacher = step.teacher.similarities()
    mine = step.student.similarities()
    for ours, theirs in (
        (mine.image_to_text, teacher.image_to_text),
        (mine.text_to_image, teacher.text_to_image),
    ):
        for row in range(ROWS):
            for key in range(ROWS):
                said = 1 / (1 + math.exp(3.5 - ours[row, key].item()))
                word = 1 / (1 + math.exp(3.5 - theirs[row, key].item()))
                truth = belongs("image-or-text", row, key)
                hard -= math.log(said if truth else 1 - said) / (2 * ROWS)
                advised -= (word * math.log(said) + (1 - word) * math.log(1 - said)) / (2 * ROWS)
    assert prediction.hard_loss().item() == pytest.approx(hard, rel=1e-6)
    assert prediction.loss().item() == pytest.approx(0.6 * hard + 0.4 * advised, rel=1e-6)
    assert abs(hard - advised) > 0.1


def test_hard_negatives_follow_the_similarity_it_trains(assembled: Assemble):
    assert take(assembled()).pairs["itm"].image.shape == (3 * ROWS,)
    left = assembled(drops=[NAME]).recipe.settings.objectives["itm"].component
    assert left.params["negatives"].name == "random"
    with pytest.raises(RecipeError, match="which no objective in this recipe trains"):
        assembled(f"objectives.{NAME}=null")


def test_two_ideas_can_be_dropped(assembled: Assemble):
    without = assembled(drops=["bias", "other-positives"])
    dropped = without.pretrainer.objectives[NAME]
    assert dropped.bias is None and dropped.positives == "pair"
    step = take(without)
    sims = step.student.similarities()
    expected = torch.cat([sims.image_to_text, sims.text_to_image])
    assert torch.equal(step.predictions[NAME].logits, expected)


class NoWaiting(TorchDispatchMode):
    """Refuses every question to the device whose answer the host would have to wait for."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func.name() not in ("aten::_local_scalar_dense", "aten::nonzero"), func.name()
        return func(*args, **kwargs or {})


@pytest.mark.parametrize("keys", ["alignment.keys=in-batch", QUEUE])
def test_the_host_waits_for_nothing(assembled: Assemble, keys: str):
    step = take(assembled(keys))
    objective = step.objectives[NAME]
    with NoWaiting():
        prediction = objective.predict(step, step.student)
        assert prediction is not None
        softened = prediction.soften(objective.predict(step, step.teacher), 0.4)  # type: ignore[union-attr]
        softened.loss()
        softened.metrics()
    with NoWaiting(), pytest.raises(AssertionError, match="_local_scalar_dense"):
        prediction.loss().item()
