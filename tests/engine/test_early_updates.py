"""Weights that move on the way back: the same numbers, few gradients at a time."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from albefkit.assemble import assemble
from albefkit.distributed import World
from albefkit.engine import early_updates as module
from albefkit.engine.adamw import AdamW
from albefkit.engine.precision import Precision
from albefkit.engine.stepping import Stepper
from albefkit.feeding import LoaderSource, train_loader, training_order
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import AlbefkitWarning

MICRO = Path(__file__).parents[1] / "micro.yaml"
HOST = torch.device("cpu")
STEPS = 3


def stepper(*sets: str, numbers: str = "fp32") -> Stepper:
    assembly = assemble(load_recipe(MICRO, sets=["train.clip_norm=null", *sets]))
    source = LoaderSource(train_loader(assembly, training_order(assembly), 0))
    train, precision = assembly.recipe.settings.train, Precision(numbers, HOST)
    assembly.pretrainer.train()
    return Stepper(assembly.pretrainer, assembly.optimizer, source, train, precision, World())


def trained(*sets: str) -> tuple[dict[str, Tensor], list[int]]:
    """Weights after some steps, and how many bytes of gradients there were when backward ended."""
    work = stepper(*sets)
    batches, left = work.batches(0), []
    step = work._optimizer.step

    def watched() -> None:
        gradients = (weight.grad for weight in work.pretrainer.parameters())
        left.append(sum(each.nbytes for each in gradients if each is not None))
        step()

    work._optimizer.step = watched
    for number in range(STEPS):
        work.take(number, batches)
    return work.pretrainer.state_dict(), left


@pytest.mark.parametrize("sets", [[], ["train.checkpoint_activations=true"]])
def test_weights_become_what_they_become_at_the_end(monkeypatch, sets) -> None:
    monkeypatch.setattr(module, "GATHERED", 4096)
    (late, whole), (early, parts) = trained(*sets), trained("train.update_early=true", *sets)
    assert late.keys() == early.keys()
    for name, weight in late.items():
        assert torch.equal(weight, early[name]), name
    assert len(whole) == STEPS and len(parts) > 4 * STEPS
    if not sets:
        assert max(parts) < 0.7 * max(whole)


@pytest.mark.parametrize(
    ("sets", "numbers", "reason"),
    [
        (["train.clip_norm=1.0"], "fp32", "length of the whole gradient"),
        (["train.accumulate=2"], "fp32", "adds gradients up"),
        ([], "fp16", "nothing overflowed"),
    ],
)
def test_who_needs_all_gradients_is_told(sets, numbers, reason) -> None:
    with pytest.warns(AlbefkitWarning, match=rf"train.update_early: .*{reason}"):
        stepper("train.update_early=true", *sets, numbers=numbers)


def test_an_optimizer_that_does_not_say_so_moves_at_the_end(monkeypatch) -> None:
    monkeypatch.setattr(AdamW, "moves_weights_singly", False)
    with pytest.warns(AlbefkitWarning, match="AdamW does not say"):
        stepper("train.update_early=true")


def test_several_processes_exchange_first() -> None:
    recipe = load_recipe(MICRO, sets=["train.clip_norm=null", "train.update_early=true"])
    assembly = assemble(recipe)
    optimizer = assembly.optimizer.build(assembly.pretrainer.named_parameters())
    world = replace(World(), size=2)
    with pytest.warns(AlbefkitWarning, match="several processes"):
        found = module.early_updates(
            optimizer, assembly.optimizer, recipe.settings.train, Precision("fp32", HOST), world
        )
    assert found is None


def test_nothing_is_said_where_it_can_be() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stepper("train.update_early=true")
