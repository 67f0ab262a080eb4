"""The contract of optimizers."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from albefkit.engine.optimizers import OptimizerRecipe
from albefkit.progress import Progress
from albefkit.testing.comparing import expect_same, state
from albefkit.testing.contract import contract, expect
from albefkit.testing.trial import NOW, Trial

READ = "albefkit.engine.optimizers:OptimizerRecipe"


@dataclass(frozen=True)
class OptimizerTrial(Trial):
    """An optimizer on trial, with weights of every shape to move."""

    place = "optimizer"
    company = {"objectives": {"itc": {}}}  # noqa: RUF012

    def exercise(self) -> None:
        """Take a step."""
        weights = Weights()
        recipe, optimizer = self.pair(weights)
        weights.learn(optimizer, recipe, 1)

    def pair(self, weights: Weights) -> tuple[OptimizerRecipe, Optimizer]:
        """The component, and what it builds for some weights."""
        recipe = self.build()
        return recipe, recipe.build(weights.named_parameters())


class Weights(nn.Module):
    """A matrix, a vector, a scalar, a table, and a weight that is not to move."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.layer = nn.Linear(4, 3)
        self.norm = nn.LayerNorm(3)
        self.word_embeddings = nn.Embedding(5, 4)
        self.temperature = nn.Parameter(torch.tensor(0.5))
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)
        with torch.no_grad():
            for weight in self.parameters():
                if weight.requires_grad:
                    weight.add_(torch.randn(weight.shape, generator=draw))

    def loss(self) -> torch.Tensor:
        """Something that every weight can make smaller."""
        return torch.stack([w.square().sum() for w in self.parameters() if w.requires_grad]).sum()

    def learn(
        self, optimizer: Optimizer, recipe: OptimizerRecipe, steps: int, first: int = 0
    ) -> None:
        """Take some steps."""
        for step in range(first, first + steps):
            optimizer.zero_grad()
            self.loss().backward()
            recipe.prepare(optimizer, Progress(step, 10, 2))
            optimizer.step()


@contract(READ)
def moves_every_weight_once(trial: OptimizerTrial) -> None:
    """Every weight that takes a gradient is in one group, and no other weight is in any."""
    weights = Weights()
    _, optimizer = trial.pair(weights)
    names = {id(weight): name for name, weight in weights.named_parameters()}
    held = [names[id(weight)] for group in optimizer.param_groups for weight in group["params"]]
    trained = [name for name, weight in weights.named_parameters() if weight.requires_grad]
    expect(sorted(held) == sorted(trained), f"groups hold {sorted(held)}, not {sorted(trained)}")


@contract(READ)
def sets_the_rate_it_says(trial: OptimizerTrial) -> None:
    """`prepare` sets the learning rate of every group and returns it: a number, not below 0."""
    recipe, optimizer = trial.pair(Weights())
    rate = recipe.prepare(optimizer, NOW)
    right = isinstance(rate, (int, float)) and math.isfinite(rate) and rate >= 0
    expect(right, f"the rate is {rate!r}")
    expect(rate == recipe.lr(NOW), f"the rate is {rate}, and lr says {recipe.lr(NOW)}")
    expect(bool(optimizer.param_groups), "there is no group of weights")


@contract(READ)
def lowers_a_loss(trial: OptimizerTrial) -> None:
    """Steps lower a loss, and leave weights that take no gradient where they are."""
    weights = Weights()
    recipe, optimizer = trial.pair(weights)
    before = float(weights.loss().detach())
    weights.learn(optimizer, recipe, 5)
    after = float(weights.loss().detach())
    expect(after < before, f"a sum of squares goes from {before:.6g} to {after:.6g} in 5 steps")
    expect(bool((weights.frozen == 1).all()), "a weight that takes no gradient has moved")


@contract(READ)
def resumes_from_its_state(trial: OptimizerTrial) -> None:
    """From its state_dict and the weights it goes on as if it had never stopped."""
    weights = Weights()
    recipe, optimizer = trial.pair(weights)
    weights.learn(optimizer, recipe, 2)
    other = copy.deepcopy(weights)
    other_recipe, resumed = trial.pair(other)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    weights.learn(optimizer, recipe, 2, first=2)
    other.learn(resumed, other_recipe, 2, first=2)
    expect_same(state(weights), state(other), "when it is resumed", tolerance=0.0)


@contract(READ)
def says_rightly_that_it_moves_weights_singly(trial: OptimizerTrial) -> None:
    """Where `moves_weights_singly`, a step of one weight after the other is a step of all."""
    together = Weights()
    recipe, optimizer = trial.pair(together)
    if not recipe.moves_weights_singly:
        return
    apart = copy.deepcopy(together)
    other_recipe, other = trial.pair(apart)
    together.learn(optimizer, recipe, 3)
    for step in range(3):
        other_recipe.prepare(other, Progress(step, 10, 2))
        apart.loss().backward()
        gradients = [(weight, weight.grad) for weight in apart.parameters()]
        for weight, gradient in gradients:
            other.zero_grad()
            weight.grad = gradient
            other.step()
        other.zero_grad()
    expect_same(state(together), state(apart), "when weights move one by one", tolerance=0.0)


CONTRACTS = (
    moves_every_weight_once,
    sets_the_rate_it_says,
    lowers_a_loss,
    resumes_from_its_state,
    says_rightly_that_it_moves_weights_singly,
)
