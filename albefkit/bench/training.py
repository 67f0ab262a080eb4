"""Training steps as work."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from albefkit.assemble import Assembly, assemble
from albefkit.bench.clock import PhaseClock, wait_for
from albefkit.bench.reference.step import Reference
from albefkit.distributed import World
from albefkit.engine.allocator import keep_freed_memory
from albefkit.engine.compiling import compile_layers
from albefkit.engine.devices import DeviceName, choose_device
from albefkit.engine.precision import choose_precision
from albefkit.engine.readiness import make_ready
from albefkit.engine.stepping import Stepper
from albefkit.feeding import train_loader, training_order
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.tensors import Batch

BATCHES = 4
"""Different ones, made before the clock starts: making them is timed by `bench data`."""

PARTS = ("vision", "text", "fusion")


class OwnStep:
    """The step of a recipe, as `albefkit run` takes it.

    Args:
        assembly: the parts.
        batches: are gone through again and again.
        device: where.
    """

    def __init__(self, assembly: Assembly, batches: Sequence[Batch], device: torch.device) -> None:
        settings = assembly.recipe.settings.train
        precision = choose_precision(settings.precision, device)
        self.device, self.precision = device, precision.name
        self.samples = settings.batch_size * settings.accumulate
        self._clock = PhaseClock(device)
        source = _Remembered(batches)
        self._stepper = Stepper(
            assembly.pretrainer, assembly.optimizer, source, settings, precision, World()
        )
        self._stepper.stage = self._clock.phase
        self._batches = self._stepper.batches(0)
        self._number = 0
        for part in PARTS:
            if (module := getattr(assembly.pretrainer.student, part)) is not None:
                self._clock.watch(module, part)
        for head in assembly.pretrainer.student.heads.values():
            self._clock.watch(head, "heads")
        for part in assembly.pretrainer.teacher.network.children():
            for module in part.values() if isinstance(part, torch.nn.ModuleDict) else [part]:
                self._clock.watch(module, "teacher")

    def turn(self) -> None:
        """Take one optimizer step."""
        self._stepper.take(self._number, self._batches)
        self._number += 1
        wait_for(self.device)

    def phases(self) -> dict[str, float]:
        """Seconds since the last reading; `forward` is what no part accounts for."""
        return self._clock.read()


def own_step(recipe: str, sets: Sequence[str], device_name: DeviceName) -> OwnStep:
    """The step of a recipe, ready to be timed."""
    keep_freed_memory()  # as a run does
    assembly, device = assembled(recipe, sets, device_name)
    return OwnStep(assembly, made_batches(assembly), device)


def assembled(
    recipe: str, sets: Sequence[str], device_name: DeviceName, plainly: bool = False
) -> tuple[Assembly, torch.device]:
    """The parts of a recipe on their device, and that.

    Args:
        recipe: its name or file.
        sets: edits.
        device_name: where.
        plainly: as torch has them, without what a run does to make them faster.
    """
    assembly, device = assemble(load_recipe(recipe, sets=sets)), choose_device(device_name, World())
    train = assembly.recipe.settings.train
    if plainly:
        assembly.pretrainer.to(device)
    else:
        make_ready(assembly.pretrainer, train, device)
        compile_layers(assembly.pretrainer, train.compile, device)
    assembly.pretrainer.train()
    return assembly, device


def made_batches(assembly: Assembly) -> list[Batch]:
    """A few training batches, as training would see them."""
    batches = train_loader(assembly, training_order(assembly)).batches()
    return list(itertools.islice(batches, BATCHES))


class ReferenceStep:
    """The same weights, moved as the released code moves them, in float32.

    Args:
        assembly: the parts; its own weights stay as they are.
        batches: are gone through again and again.
        device: where.
    """

    precision = "fp32"

    def __init__(self, assembly: Assembly, batches: Sequence[Batch], device: torch.device) -> None:
        settings = assembly.recipe.settings.train
        self.device, self.samples = device, settings.batch_size
        self._settings, self._clock = settings, PhaseClock(device)
        self._reference = Reference(assembly)
        self._batches = itertools.cycle(batches)
        self._number = 0

    def turn(self) -> None:
        """Take one optimizer step."""
        settings, clock, reference = self._settings, self._clock, self._reference
        progress = Progress(
            step=self._number,
            steps_per_epoch=BATCHES,
            epochs=settings.epochs,
            seed=settings.seed,
            steps=settings.steps,
        )
        with clock.phase("teacher update"):
            reference.follow(progress)
        with clock.phase("data"):
            batch = next(self._batches).to(self.device)
        with clock.phase("forward"):
            losses = reference.forward(batch, progress)
        with clock.phase("backward"):
            reference.backward(losses)
        with clock.phase("optimizer"):
            reference.update(progress)
        self._number += 1
        wait_for(self.device)

    def phases(self) -> dict[str, float]:
        """Seconds since the last reading."""
        return self._clock.read()


def reference_step(recipe: str, sets: Sequence[str], device_name: DeviceName) -> ReferenceStep:
    """The step of a recipe as the released code takes it, ready to be timed."""
    assembly, device = assembled(recipe, sets, device_name, plainly=True)
    return ReferenceStep(assembly, made_batches(assembly), device)


class _Remembered:
    """Batches that are there already."""

    skipped = 0

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._made = batches
        self.steps_per_epoch = len(batches)

    def batches(self, cursor: int) -> Iterator[Batch]:
        return itertools.cycle(self._made)

    def describe(self, cursor: int) -> dict[str, Any]:
        return {"batch": cursor % len(self._made)}
