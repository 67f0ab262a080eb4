"""What a variant costs, found without training it."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from albefkit.ablation.study import Expense
from albefkit.assemble import Assembly, assemble
from albefkit.distributed import World
from albefkit.engine.devices import DeviceName, choose_device
from albefkit.engine.files import read_json, write_json
from albefkit.engine.meters import memory_in_use
from albefkit.engine.precision import Precision, choose_precision
from albefkit.engine.readiness import make_ready
from albefkit.engine.stepping import Stepper
from albefkit.explain.rehearsal import rehearse
from albefkit.feeding import LoaderSource, train_loader, training_order
from albefkit.recipe.load import Recipe

WARM_STEPS = 2
TIMED_STEPS = 5


@dataclass(frozen=True)
class Estimate:
    """What one recipe will cost.

    Args:
        parameters: of student and teacher.
        trainable: those of them that learn.
        flops_per_sample: of a training step, forward and backward.
        samples_per_step: pairs in an optimizer step.
        steps: optimizer steps planned.
        seconds_per_step: measured here; the median of a few steps.
        precision: the numbers it computes with here.
        memory: bytes, the most that its steps take here, or what was estimated before it.
    """

    parameters: int
    trainable: int
    flops_per_sample: float
    samples_per_step: int
    steps: int
    seconds_per_step: float
    precision: str
    memory: int

    @property
    def flops(self) -> float:
        """Of the whole training."""
        return self.flops_per_sample * self.samples_per_step * self.steps

    @property
    def seconds(self) -> float:
        """Of the whole training."""
        return self.seconds_per_step * self.steps

    def expense(self, steps: int) -> Expense:
        """As a table shows it, before anything is trained."""
        return Expense(self.parameters, self.trainable, self.flops_per_sample, steps)


def estimate(recipe: Recipe, device_name: DeviceName, kept: Path) -> Estimate:
    """What a recipe will cost; measured once and then read from a file.

    Args:
        recipe: the recipe.
        device_name: where it will run.
        kept: the file.

    Raises:
        AlbefkitError: the recipe's parts do not go together.
    """
    if kept.is_file():
        return Estimate(**read_json(kept))
    device = choose_device(device_name, World())
    precision = choose_precision(recipe.settings.train.precision, device)
    assembly = assemble(recipe)
    train = recipe.settings.train
    make_ready(assembly.pretrainer, train, device)
    rehearsal = rehearse(assembly, precision, train.batch_size)
    stepper = _stepper(assembly, precision)
    found = Estimate(
        parameters=sum(part.trainable + part.frozen for part in rehearsal.parts.values()),
        trainable=sum(part.trainable for part in rehearsal.parts.values()),
        flops_per_sample=rehearsal.flops_per_sample,
        samples_per_step=train.batch_size * train.accumulate,
        steps=stepper.progress(0).total_steps,
        seconds_per_step=_seconds_per_step(stepper),
        precision=precision.name,
        memory=memory_in_use(device),
    )
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, asdict(found))
    return found


def _stepper(assembly: Assembly, precision: Precision) -> Stepper:
    settings = assembly.recipe.settings.train
    source = LoaderSource(train_loader(assembly, training_order(assembly)))
    assembly.pretrainer.train()
    return Stepper(assembly.pretrainer, assembly.optimizer, source, settings, precision, World())


def _seconds_per_step(stepper: Stepper) -> float:
    """Training steps of a network that is then thrown away."""
    batches = stepper.batches(0)
    times = []
    for step in range(WARM_STEPS + TIMED_STEPS):
        started = time.perf_counter()
        stepper.take(step, batches)
        stepper.require_finite()  # waits for the device
        times.append(time.perf_counter() - started)
    return statistics.median(times[WARM_STEPS:])
