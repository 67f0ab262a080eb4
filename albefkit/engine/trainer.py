"""The loop: optimizer steps, and everything that happens between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from albefkit.data.base import SplitName
from albefkit.distributed import World, any_rank, wait_for_all
from albefkit.engine.advice import Adviser
from albefkit.engine.checkpoint import Checkpoint, Checkpoints
from albefkit.engine.compiling import uncompiled
from albefkit.engine.meters import memory_in_use
from albefkit.engine.optimizers import OptimizerRecipe
from albefkit.engine.precision import Precision
from albefkit.engine.preflight import Preflight
from albefkit.engine.pretrainer import Pretrainer
from albefkit.engine.records import Journal, Plan, Record
from albefkit.engine.signals import Interruption
from albefkit.engine.stepping import BatchSource, Stepper
from albefkit.evaluation.base import Result
from albefkit.recipe.grammar import TrainSection
from albefkit.registry.errors import Interrupted
from albefkit.tensors import Batch

SAVE_SECONDS = 30 * 60
"""The most training that a crash can cost one process, in seconds."""

Examine = Callable[[SplitName | None], Mapping[str, Result]]
"""Run every evaluator on a split, or on its own where None; name -> result."""


@dataclass
class TrainingState:
    """Where training stands; with weights and optimizer, everything that a resume needs.

    Args:
        step: optimizer steps done.
        seconds: seconds of training.
        best_score: of the best checkpoint on the validation split, or None.
    """

    step: int = 0
    seconds: float = 0.0
    best_score: float | None = None


class Trainer:
    """Trains a pretrainer.

    Args:
        pretrainer: the step, on the device.
        recipe: how weights are moved.
        source: where batches come from.
        settings: how long, how many at a time.
        precision: which numbers, where.
        world: who this process is.
        journal: who is told.
        checkpoints: where to save; None on ranks that do not write.
        examine: runs the evaluators.
        title: what to call the run.
        meta: what to write beside each checkpoint.
    """

    def __init__(
        self,
        *,
        pretrainer: Pretrainer,
        recipe: OptimizerRecipe,
        source: BatchSource,
        settings: TrainSection,
        precision: Precision,
        world: World,
        journal: Journal,
        checkpoints: Checkpoints | None,
        examine: Examine,
        title: str = "training",
        meta: dict[str, Any] | None = None,
    ) -> None:
        self.state = TrainingState()
        self._pretrainer = pretrainer
        self._recipe = recipe
        self._settings = settings
        self._device = precision.device
        self._world = world
        self._journal = journal
        self._checkpoints = checkpoints
        self._examine = examine
        self._title = title
        self._meta = meta or {}
        self._stepper = Stepper(pretrainer, recipe, source, settings, precision, world)
        first = self._stepper.progress(0)
        self.total_steps = first.total_steps
        self._per_epoch = first.steps_per_epoch
        self.adviser = Adviser(self.total_steps)
        self._images_per_step = settings.batch_size * settings.accumulate * world.size
        self._saved_step: int | None = None
        self._saved_at = time.monotonic()

    def train(self, interruption: Interruption) -> None:
        """Train to the end of the plan, from wherever the state says.

        Raises:
            NumericError: a loss is not finite.
            Interrupted: somebody wanted to stop; everything is saved.
        """
        plan = Plan(self._title, self.total_steps, self.state.step)
        for caveat in self._recipe.caveats(self._stepper.progress(0)):
            self._journal.warn(caveat)
        self._journal.begin(plan)
        self._pretrainer.train()
        self._loop(Preflight(plan.total_steps, plan.first_step, self._title), interruption)
        self.save()

    def save(self, score: float | None = None) -> Checkpoint | None:
        """Save everything, unless this step is saved already.

        Args:
            score: how good the weights are, if it is known.
        """
        self._stepper.require_finite()
        if self._checkpoints is None or self._saved_step == self.state.step:
            return None
        state = {"training": asdict(self.state), **self._stepper.state_dict()}
        meta = {**self._meta, "epoch": self.state.step / self._per_epoch, "score": score}
        saved = self._checkpoints.save(self.state.step, self._pretrainer, state, meta)
        self._saved_step, self._saved_at = self.state.step, time.monotonic()
        return saved

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, as if there had been no break."""
        state = checkpoint.load(self._pretrainer, self._device)
        self._stepper.load_state_dict(state)
        self.state = TrainingState(**state["training"])
        self._stepper.watch.seconds = self.state.seconds
        self._saved_step = self.state.step

    def figures(self) -> dict[str, float]:
        """What training took, for the summary."""
        images = self.state.step * self._images_per_step
        return {
            "seconds": self.state.seconds,
            "steps": self.state.step,
            "images_per_second": images / self.state.seconds if self.state.seconds else 0.0,
        }

    def evaluate(self, split: SplitName | None) -> dict[str, Result]:
        """Run the evaluators on the first rank while the others wait; empty on the others.

        Args:
            split: what on; None: what each evaluator itself says.
        """
        self._pretrainer.eval()
        try:
            with uncompiled():
                results = dict(self._examine(split)) if self._world.leads else {}
        finally:
            self._pretrainer.train()
        wait_for_all()
        for name, result in results.items():
            self._journal.result(name, self.state.step, result)
        return results

    def _loop(self, preflight: Preflight, interruption: Interruption) -> None:
        batches = self._stepper.batches(self.state.step)
        try:
            while self.state.step < self.total_steps:
                self._timed_step(batches, preflight)
                self._between_steps(interruption)
        finally:
            if (close := getattr(batches, "close", None)) is not None:
                close()  # ends the processes that read ahead

    def _timed_step(self, batches: Iterator[Batch], preflight: Preflight) -> None:
        started = time.perf_counter()
        watch = self._stepper.watch
        with watch.step():
            self._stepper.take(self.state.step, batches)
            if preflight.wants_step and self._device.type == "cuda":
                torch.cuda.synchronize(self._device)
        self.state.step += 1
        self.state.seconds = watch.seconds
        if preflight.wants_step:
            estimate = preflight.timed(time.perf_counter() - started)
            if estimate:
                self._journal.note(estimate)
        self._journal.step(self.state.step)

    def _between_steps(self, interruption: Interruption) -> None:
        step = self.state.step
        finished = step == self.total_steps
        due = finished or step % self._settings.log_every == 0
        if due:
            self._log()
        if step % self._per_epoch == 0:
            self._end_of_epoch(step // self._per_epoch)
        elif self._world.size == 1 and time.monotonic() - self._saved_at > SAVE_SECONDS:
            self.save()
        # Ranks must agree on the step they stop after, and asking costs a message.
        asked = (self._world.size == 1 or due) and any_rank(interruption.requested, self._device)
        if asked and not finished:
            self.save()
            raise Interrupted(f"stopped after step {step} of {self.total_steps}")

    def _end_of_epoch(self, epochs_done: int) -> None:
        every = self._settings.evaluate_every
        if every is None or epochs_done % every:
            self.save()
            return
        results = self.evaluate("val")
        score = next((result.score for result in results.values()), None)
        best = self.state.best_score
        better = score is not None and (best is None or score > best)
        if better:
            self.state.best_score = score
        saved = self.save(score)
        if better and saved is not None and self._checkpoints is not None:
            self._checkpoints.mark_best(saved)

    def _log(self) -> None:
        stepper = self._stepper
        with stepper.watch.reading():
            stepper.require_finite()
            found = stepper.meter.read()
        self.state.seconds = stepper.watch.seconds
        pace = stepper.watch.read()
        record = Record(
            step=self.state.step,
            epoch=self.state.step / self._per_epoch,
            lr=stepper.lr,
            **found,
            images_per_second=pace.images_per_second,
            data_wait=pace.data_wait,
            memory=memory_in_use(self._device),
            skipped=stepper.skipped,
            seconds=self.state.seconds,
            seconds_left=(self.total_steps - self.state.step) * pace.step_seconds,
        )
        self._journal.record(record)
        for sentence in self.adviser.look(record):
            self._journal.warn(sentence)
