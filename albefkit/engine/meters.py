"""Averages over steps, kept on the device until somebody reads them; and the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from albefkit.engine.pretrainer import StepReport

GROUPS = ("losses", "floors", "bounds", "metrics")


class Meter:
    """Averages what steps report, without making the device wait.

    Args:
        device: where the reports are.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._first_bad: dict[str, Tensor] = {}

    def add(self, report: StepReport, step: int) -> None:
        """Take a report into account."""
        for group in GROUPS:
            for name, value in getattr(report, group).items():
                self.add_value(f"{group}.{name}", value)
        for name, loss in report.losses.items():
            bad = self._first_bad.get(name)
            bad = torch.full((), -1, device=self._device) if bad is None else bad
            self._first_bad[name] = torch.where(~loss.isfinite() & (bad < 0), step, bad)

    def add_value(self, name: str, value: Tensor | float) -> None:
        """Take one figure into account, `group.name`."""
        if not isinstance(value, Tensor):
            value = torch.full((), float(value), device=self._device)
        value = value.detach().to(torch.float32)
        self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
        self._counts[name] = self._counts.get(name, 0) + 1

    def first_non_finite(self) -> tuple[int, list[str]] | None:
        """The first step since the last reading with a loss that is not finite, and which losses.

        The device is waited for.
        """
        if not self._first_bad:
            return None
        names = list(self._first_bad)
        steps = torch.stack([self._first_bad[name] for name in names]).tolist()
        bad = {name: int(step) for name, step in zip(names, steps, strict=True) if step >= 0}
        if not bad:
            return None
        first = min(bad.values())
        return first, [name for name, step in bad.items() if step == first]

    def read(self) -> dict[str, dict[str, float]]:
        """The averages since the last reading, group -> name -> value; the device is waited for."""
        found: dict[str, dict[str, float]] = {group: {} for group in GROUPS}
        if self._sums:
            values = torch.stack(list(self._sums.values())).tolist()
            for full_name, value in zip(self._sums, values, strict=True):
                group, _, name = full_name.partition(".")
                found[group][name] = value / self._counts[full_name]
        self._sums, self._counts, self._first_bad = {}, {}, {}
        return found

    def state_dict(self) -> dict[str, Any]:
        """What is not read yet, so that a resumed run logs the same averages."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict`."""
        self._sums = dict(state["sums"])
        self._counts = dict(state["counts"])


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast training is.

    Args:
        images_per_second: pairs learned from per second, all processes together.
        data_wait: share of the time spent waiting for data, 0 to 1.
        step_seconds: seconds per optimizer step.
    """

    images_per_second: float
    data_wait: float
    step_seconds: float


class Stopwatch:
    """Measures training, not what happens between steps (evaluation, saving).

    Args:
        images_per_step: pairs per optimizer step, all processes together.
    """

    def __init__(self, images_per_step: int) -> None:
        self.images_per_step = images_per_step
        self.seconds = 0.0
        self.steps = 0
        self._window_seconds = 0.0
        self._window_waiting = 0.0
        self._window_steps = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """A stretch that counts as one optimizer step."""
        started = time.perf_counter()
        yield
        self._add(time.perf_counter() - started)
        self.steps += 1
        self._window_steps += 1

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A stretch that belongs to the steps before it (waiting for the device)."""
        started = time.perf_counter()
        yield
        self._add(time.perf_counter() - started)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The part of a step that is spent waiting for data."""
        started = time.perf_counter()
        yield
        self._window_waiting += time.perf_counter() - started

    def read(self) -> Pace:
        """The pace since the last reading."""
        seconds = max(self._window_seconds, 1e-9)
        pace = Pace(
            images_per_second=self._window_steps * self.images_per_step / seconds,
            data_wait=min(1.0, self._window_waiting / seconds),
            step_seconds=seconds / max(1, self._window_steps),
        )
        self._window_seconds = self._window_waiting = 0.0
        self._window_steps = 0
        return pace

    def _add(self, seconds: float) -> None:
        self.seconds += seconds
        self._window_seconds += seconds


def memory_in_use(device: torch.device) -> int:
    """The most memory taken so far, in bytes: of the GPU, or of this process; 0 if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
