"""What a run tells about itself, and who listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from albefkit.evaluation.base import Result


@dataclass(frozen=True)
class Plan:
    """The shape of a run, known before its first step.

    Args:
        title: what to call it.
        total_steps: optimizer steps planned.
        first_step: optimizer steps done before, by the run that is resumed.
    """

    title: str
    total_steps: int
    first_step: int = 0


@dataclass(frozen=True)
class Record:
    """Averages over the last few steps.

    Args:
        step: optimizer steps done.
        epoch: passes done, with fraction.
        lr: learning rate of the last step.
        losses: per objective.
        floors: per objective, the loss of guessing by the prior.
        bounds: per objective, a lower bound on mutual information, in nats.
        metrics: everything else.
        images_per_second: all processes together.
        data_wait: share of the time spent waiting for data.
        memory: bytes.
        skipped: items that this process could not read and replaced, so far.
        seconds: seconds of training so far.
        seconds_left: estimate.
    """

    step: int
    epoch: float
    lr: float
    losses: dict[str, float]
    floors: dict[str, float] = field(default_factory=dict)
    bounds: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    _: KW_ONLY
    images_per_second: float = 0.0
    data_wait: float = 0.0
    memory: int = 0
    skipped: int = 0
    seconds: float = 0.0
    seconds_left: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For `metrics.jsonl`: what this process and its clock decide stands under `pace`."""
        return {
            "step": self.step,
            "epoch": self.epoch,
            "lr": self.lr,
            "losses": self.losses,
            "floors": self.floors,
            "bounds": self.bounds,
            "metrics": self.metrics,
            "pace": {
                "images_per_second": self.images_per_second,
                "data_wait": self.data_wait,
                "memory": self.memory,
                "skipped": self.skipped,
                "seconds": self.seconds,
            },
        }


class Listener:
    """Somebody who is told what happens; everything may be ignored."""

    def begin(self, plan: Plan) -> None:
        """Training begins."""

    def step(self, done: int) -> None:
        """An optimizer step was taken; called very often."""

    def record(self, record: Record) -> None:
        """Averages are there."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def warn(self, text: str) -> None:
        """Something that may be wrong."""

    def progress(self, what: str, done: int, total: int) -> None:
        """An evaluation goes on; called very often."""

    def result(self, name: str, step: int, result: Result) -> None:
        """An evaluator has finished."""

    def end(self) -> None:
        """Nothing more will come."""


class Journal(Listener):
    """Tells everything to all listeners; says each warning once.

    Args:
        listeners: who is told; none on all ranks but the first.
    """

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._listeners = list(listeners)
        self._warned: list[str] = []

    def add(self, listener: Listener) -> None:
        """One more listener, who is told the warnings so far."""
        self._listeners.append(listener)
        for text in self._warned:
            listener.warn(text)

    def begin(self, plan: Plan) -> None:
        """Training begins."""
        for listener in self._listeners:
            listener.begin(plan)

    def step(self, done: int) -> None:
        """An optimizer step was taken."""
        for listener in self._listeners:
            listener.step(done)

    def record(self, record: Record) -> None:
        """Averages are there."""
        for listener in self._listeners:
            listener.record(record)

    def note(self, text: str) -> None:
        """Something worth knowing."""
        for listener in self._listeners:
            listener.note(text)

    def warn(self, text: str) -> None:
        """Something that may be wrong; said once in a run."""
        if text not in self._warned:
            self._warned.append(text)
            for listener in self._listeners:
                listener.warn(text)

    def progress(self, what: str, done: int, total: int) -> None:
        """An evaluation goes on."""
        for listener in self._listeners:
            listener.progress(what, done, total)

    def result(self, name: str, step: int, result: Result) -> None:
        """An evaluator has finished."""
        for listener in self._listeners:
            listener.result(name, step, result)

    def end(self) -> None:
        """Nothing more will come."""
        for listener in self._listeners:
            listener.end()
