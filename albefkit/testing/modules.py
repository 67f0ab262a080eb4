"""What every encoder keeps to: vision, text and fusion are modules that turn tables into tables."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from albefkit.testing.comparing import differ, expect_same, kept, shaken, state
from albefkit.testing.contract import contract, expect
from albefkit.testing.trial import Trial
from albefkit.testing.watching import random_state

READ = "albefkit.network:Network"

Inputs = Sequence[Tensor | None]


@dataclass(frozen=True)
class ModuleTrial(Trial):
    """An encoder on trial, and how it is used; rows are the first dimension of everything."""

    def make(self, seed: int = 1) -> nn.Module:
        """The module as it starts."""
        raise NotImplementedError

    @cached_property
    def inputs(self) -> Inputs:
        """What it is given; some rows are longer than others."""
        raise NotImplementedError

    def run(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """What it says, 0 where the mask says that nothing is there."""
        raise NotImplementedError

    def one(self, inputs: Inputs, row: int) -> Inputs:
        """The same for one row alone."""
        return [None if each is None else each[row : row + 1] for each in inputs]

    def half(self, inputs: Inputs) -> Inputs:
        """What it is given where other modules have computed in bfloat16; here: the same."""
        return inputs

    def module(self, seed: int = 1, training: bool = False) -> nn.Module:
        """The module with weights that say something."""
        return shaken(self.make(seed), seed).train(training)

    def exercise(self) -> None:
        """Build it and let it look, in training."""
        self.run(self.make().train(), self.inputs)

    @property
    def rows(self) -> int:
        """How many rows come out."""
        return next(len(each) for each in reversed(self.inputs) if each is not None)


def summed(outputs: dict[str, Tensor]) -> Tensor:
    """A number that every output has a part in, each value another one."""
    generator = torch.Generator().manual_seed(0)
    parts = [each for each in outputs.values() if each.is_floating_point()]
    shares = [torch.randn(each.shape, generator=generator).to(each) for each in parts]
    return torch.stack(
        [(each * share).sum() for each, share in zip(parts, shares, strict=True)]
    ).sum()


@contract(READ)
def one_by_one_is_one_batch(trial: ModuleTrial) -> None:
    """Rows do not know of each other: one batch says the same as its rows one by one."""
    module, inputs = trial.module(), trial.inputs
    with torch.no_grad():
        together = trial.run(module, inputs)
        for row in range(trial.rows):
            alone = trial.run(module, trial.one(inputs, row))
            own = {name: each[row : row + 1] for name, each in together.items()}
            expect_same(own, alone, f"when row {row} is alone")


@contract(READ)
def same_seed_same_result(trial: ModuleTrial) -> None:
    """Chance comes from torch's global generator alone, and in evaluation mode there is none."""
    found = []
    module = trial.module(training=True)
    for _ in range(2):
        with random_state(3), torch.no_grad():
            found.append(trial.run(copy.deepcopy(module), trial.inputs))
    expect_same(found[0], found[1], "in training, from the same seed", tolerance=0.0)
    module.eval()
    with torch.no_grad():
        found = [trial.run(module, trial.inputs) for _ in range(2)]
    expect_same(found[0], found[1], "the second time in evaluation mode", tolerance=0.0)


@contract(READ)
def inputs_stay_as_they_are(trial: ModuleTrial) -> None:
    """What is given is shared with others: nothing of it is changed in place."""
    given = [None if each is None else each.clone() for each in trial.inputs]
    before = kept(given)
    with torch.no_grad():
        trial.run(trial.module(), given)
    expect_same(before, kept(given), "after use (inputs by place)", tolerance=0.0)


@contract(READ)
def every_weight_learns(trial: ModuleTrial) -> None:
    """Every weight that takes a gradient gets one, and a finite one: data parallelism waits for all
    of them.
    """
    module = trial.module(training=True)
    summed(trial.run(module, trial.inputs)).backward()
    weights = {name: each for name, each in module.named_parameters() if each.requires_grad}
    silent = [name for name, each in weights.items() if each.grad is None]
    expect(not silent, f"no gradient reaches {', '.join(silent)}")
    wild = [
        n for n, each in weights.items() if each.grad is not None and not each.grad.isfinite().all()
    ]
    expect(not wild, f"the gradient of {', '.join(wild)} is not finite")


@contract(READ)
def state_dict_holds_everything(trial: ModuleTrial) -> None:
    """A module whose state_dict is loaded says what the module says that it was taken from."""
    one, other = trial.module(1), trial.module(2)
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        expected, found = (trial.run(each, trial.inputs) for each in (one, other))
    expect_same(expected, found, "after its state_dict was loaded into another")


@contract(READ)
def copies_stand_alone(trial: ModuleTrial) -> None:
    """A deep copy says the same, and what then becomes of its weights is its own affair: teachers
    are copies.
    """
    module = trial.module()
    twin, before = copy.deepcopy(module), state(module)
    with torch.no_grad():
        expected = trial.run(module, trial.inputs)
        expect_same(expected, trial.run(twin, trial.inputs), "in a deep copy")
        shaken(twin, seed=5)
        expect_same(before, state(module), "after a copy has moved", tolerance=0.0)
        expect_same(expected, trial.run(module, trial.inputs), "after a copy has moved")
        moved = differ(expected, trial.run(twin, trial.inputs))
        expect(moved, "moving the weights of a copy changes nothing that it says")
        later = trial.run(twin, trial.inputs)
        shaken(module, seed=6)
        expect_same(
            later, trial.run(twin, trial.inputs), "said by a copy after the first has moved"
        )


@contract(READ)
def keeps_the_dtype(trial: ModuleTrial) -> None:
    """Numbers are of the dtype of the weights: in float64 everything is computed in float64."""
    module = trial.module().double()
    inputs = [e.double() if e is not None and e.is_floating_point() else e for e in trial.inputs]
    outputs = trial.run(module, inputs)
    for name, each in outputs.items():
        right = each.dtype == torch.float64 or not each.is_floating_point()
        expect(right, f"{name} are {each.dtype} where weights and inputs are float64")


@contract(READ)
def works_in_bfloat16(trial: ModuleTrial) -> None:
    """Under autocast to bfloat16 it computes and learns, and says about the same."""
    module = trial.module()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = trial.run(module, trial.half(trial.inputs))
        summed(outputs).backward()
    wrong = [name for name, each in outputs.items() if not each.isfinite().all()]
    expect(not wrong, f"{', '.join(wrong)} are not finite")
    with torch.no_grad():
        exact = trial.run(module, trial.inputs)
    expect_same(exact, outputs, "under autocast", tolerance=0.2)


CONTRACTS = (
    one_by_one_is_one_batch,
    same_seed_same_result,
    inputs_stay_as_they_are,
    every_weight_learns,
    state_dict_holds_everything,
    copies_stand_alone,
    keeps_the_dtype,
    works_in_bfloat16,
)
