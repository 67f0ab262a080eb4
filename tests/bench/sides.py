"""The same weights on both sides: albefkit's own step, and the released way of computing it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from albefkit.assemble import Assembly, assemble
from albefkit.bench.reference.step import Reference
from albefkit.data.sampler import Order
from albefkit.engine.pretrainer import StepReport
from albefkit.engine.step import Step
from albefkit.feeding import train_loader
from albefkit.objectives.itm import ITM
from albefkit.objectives.negatives import WrongPartners
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.tensors import Batch

MICRO = Path(__file__).resolve().parents[1] / "micro.yaml"
ROWS = 8
QUEUE = "alignment.keys={type: momentum-queue, size: 40, unfilled: random}"
QUIET = ["model.text.dropout=0.0", "model.fusion.dropout=0.0"]


def micro(*sets: str) -> Assembly:
    """A tiny run in float64 whose teacher is not its student."""
    assembly = assemble(load_recipe(MICRO, sets=[QUEUE, *QUIET, *sets]))
    assembly.pretrainer.double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in assembly.pretrainer.teacher.parameters():
            noise = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
            weight.add_(noise, alpha=0.02)
    return assembly


def batches(assembly: Assembly, count: int) -> list[Batch]:
    """The first batches of the run."""
    stream = train_loader(assembly, Order(1, 64, ROWS)).batches()
    return [next(stream).to(torch.device("cpu"), torch.float64) for _ in range(count)]


def at(step: int) -> Progress:
    """Where the ramp of the teacher's word is half-way up."""
    return Progress(step=step + 4, steps_per_epoch=8, epochs=2)


class OwnSide:
    """albefkit's own step, with what it drew laid open."""

    def __init__(self, assembly: Assembly) -> None:
        self.pretrainer = assembly.pretrainer.train()
        self._recipe = assembly.optimizer
        self._optimizer = self._recipe.build(self.pretrainer.named_parameters())
        self._clip_norm = assembly.recipe.settings.train.clip_norm

    def partners(self, batch: Batch, progress: Progress) -> WrongPartners:
        """Who the coming step pairs with whom, without taking it."""
        kept = {name: value.clone() for name, value in self.pretrainer.state_dict().items()}
        self.pretrainer.begin_step(progress)
        step: Step = self.pretrainer.step(batch, progress)
        itm = self.pretrainer.objectives["itm"]
        assert isinstance(itm, ITM)
        drawn = itm.negatives.draw(step, step.generator("itm"))
        self.pretrainer.load_state_dict(kept)
        return drawn

    def step(self, batch: Batch, progress: Progress) -> StepReport:
        """One whole step."""
        self.pretrainer.begin_step(progress)
        self._recipe.prepare(self._optimizer, progress)
        self._optimizer.zero_grad()
        report = self.pretrainer(batch, progress)
        report.loss.backward()
        if self._clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.pretrainer.parameters(), self._clip_norm)
        self._optimizer.step()
        return report


def both(assembly: Assembly) -> tuple[OwnSide, Reference]:
    """Two sides of one run, with weights of their own."""
    reference = Reference(assembly)
    return OwnSide(assembly), reference


def grads(module: torch.nn.Module) -> dict[str, Tensor]:
    """Gradients of everything that is trained; every one of it has one."""
    named = dict(module.named_parameters())
    found = {name: weight.grad for name, weight in named.items() if weight.requires_grad}
    return {name: grad for name, grad in found.items() if grad is not None}


def similar_pairs(batch: Batch) -> Batch:
    """The batch with images and words that occur twice."""
    image_id, text_id = batch.image_id.clone(), batch.text_id.clone()
    image_id[1], text_id[3] = image_id[0], text_id[2]
    return replace(batch, image_id=image_id, text_id=text_id)
