"""One optimizer step: forward, backward, update; accumulated, mixed in precision, parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import nn
from torch.autograd.profiler import record_function
from torch.nn.parallel import DistributedDataParallel

from albefkit.distributed import World
from albefkit.engine.early_updates import early_updates
from albefkit.engine.meters import Meter, Stopwatch
from albefkit.engine.optimizers import OptimizerRecipe
from albefkit.engine.precision import Precision
from albefkit.engine.pretrainer import Pretrainer, StepReport
from albefkit.progress import Progress
from albefkit.recipe.grammar import TrainSection
from albefkit.registry.errors import NumericError
from albefkit.tensors import Batch


class BatchSource(Protocol):
    """Where batches come from: a pure function of a cursor."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in a pass over the training split."""
        ...

    @property
    def skipped(self) -> int:
        """Items that could not be read and were replaced, so far."""
        ...

    def batches(self, cursor: int) -> Iterator[Batch]:
        """Batches without end, from number `cursor` since the start of training."""
        ...

    def describe(self, cursor: int) -> dict[str, Any]:
        """Which items make up batch number `cursor`, to find out what was wrong with it."""
        ...


class Stepper:
    """Moves the weights.

    Whoever wants to know where the time goes puts a function of its own in the place of `stage`;
    torch's profiler sees the stages as they are.

    Args:
        pretrainer: the step, on the device.
        recipe: how weights are moved.
        source: where batches come from.
        settings: how many at a time.
        precision: which numbers, where.
        world: who this process is.
    """

    stage: Callable[[str], AbstractContextManager[object]] = record_function
    """Surrounds `teacher update`, `data`, `forward`, `backward` and `optimizer`."""

    def __init__(
        self,
        pretrainer: Pretrainer,
        recipe: OptimizerRecipe,
        source: BatchSource,
        settings: TrainSection,
        precision: Precision,
        world: World,
    ) -> None:
        self.pretrainer = pretrainer
        self.device = precision.device
        self.lr = 0.0
        self.meter = Meter(self.device)
        self.watch = Stopwatch(settings.batch_size * settings.accumulate * world.size)
        self._recipe = recipe
        self._source = source
        self._settings = settings
        self._precision = precision
        self._world = world
        self._module = _parallel(pretrainer, world, self.device)
        self._optimizer = recipe.build(pretrainer.named_parameters())
        self._early = early_updates(self._optimizer, recipe, settings, precision, world)
        self._scaler = precision.scaler()

    def batches(self, step: int) -> Iterator[Batch]:
        """Batches without end, from those of an optimizer step on."""
        return self._source.batches(step * self._settings.accumulate)

    def progress(self, step: int, part: int = 0) -> Progress:
        """What schedules see at an optimizer step."""
        settings = self._settings
        return Progress(
            step=step,
            steps_per_epoch=max(1, self._source.steps_per_epoch // settings.accumulate),
            epochs=settings.epochs,
            seed=settings.seed,
            rank=self._world.rank,
            micro_step=part,
            steps=settings.steps,
            max_steps=settings.max_steps,
        )

    def take(self, step: int, batches: Iterator[Batch]) -> StepReport:
        """One optimizer step; returns the report of its last batch.

        Raises:
            NumericError: a loss is not finite; off the CPU this shows only when it is asked for.
        """
        count = self._settings.accumulate
        progress = self.progress(step)
        with self.stage("teacher update"):
            self.pretrainer.begin_step(progress)
        self.lr = self._recipe.prepare(self._optimizer, progress)
        for part in range(count):
            with self.stage("data"), self.watch.waiting():
                batch = next(batches).to(self.device)
            with self._way_back(last=part == count - 1):
                report = self._forward_backward(batch, self.progress(step, part))
        with self.stage("optimizer"):
            self._clip()
            self._scaler.step(self._optimizer)
            self._scaler.update()
            self._optimizer.zero_grad(set_to_none=True)
        return report

    @property
    def skipped(self) -> int:
        """Items that could not be read and were replaced, so far."""
        return self._source.skipped

    def require_finite(self) -> None:
        """Wait for the device and look whether every loss since the last reading was finite.

        Raises:
            NumericError: which was not, in which step, and with which items.
        """
        bad = self.meter.first_non_finite()
        if bad is None:
            return
        step, names = bad
        count = self._settings.accumulate
        items = [self._source.describe(step * count + part) for part in range(count)]
        raise NonFiniteLossError(step, names, items)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the weights."""
        return {
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "meter": self.meter.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        self.meter.load_state_dict(state["meter"])

    def _forward_backward(self, batch: Batch, progress: Progress) -> StepReport:
        with self.stage("forward"), self._precision.autocast():
            report: StepReport = self._module(batch, progress)
        self.meter.add(report, progress.step)
        if self.device.type == "cpu":  # looking costs nothing here; elsewhere it would be a wait
            self.require_finite()
        with self.stage("backward"):
            self._scaler.scale(report.loss / self._settings.accumulate).backward()
        return report

    def _clip(self) -> None:
        if self._settings.clip_norm is None:
            return
        self._scaler.unscale_(self._optimizer)
        norm = nn.utils.clip_grad_norm_(self.pretrainer.parameters(), self._settings.clip_norm)
        self.meter.add_value("metrics.gradient_norm", norm)

    def _way_back(self, last: bool) -> AbstractContextManager[object]:
        """Gradients of all but the last part of an accumulated step stay on their rank; where none
        are accumulated or exchanged, weights may move on the way.
        """
        if not last and isinstance(self._module, DistributedDataParallel):
            return self._module.no_sync()
        return nullcontext() if self._early is None else self._early.active()


class NonFiniteLossError(NumericError):
    """A loss is not finite.

    Args:
        step: the optimizer step, from 0.
        names: which losses.
        items: what was in the step's batches.
    """

    def __init__(self, step: int, names: list[str], items: list[dict[str, Any]]) -> None:
        super().__init__(
            f"the loss of {' and '.join(names)} is not finite in step {step}. The last checkpoint "
            "is older. A smaller learning rate, train.clip_norm=1.0 or train.precision=fp32 may "
            "help."
        )
        self.dump = {"step": step, "losses": names, "batches": items}


def _parallel(pretrainer: Pretrainer, world: World, device: torch.device) -> nn.Module:
    """Data parallelism around the whole step: around less, ranks drift apart without an error."""
    if world.size == 1:
        return pretrainer
    devices = [device] if device.type == "cuda" else None
    return DistributedDataParallel(pretrainer, device_ids=devices, broadcast_buffers=False)
