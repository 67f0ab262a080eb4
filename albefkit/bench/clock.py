"""Where the time of a turn goes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class PhaseClock:
    """Seconds by phase; what a phase inside another takes is not counted for the outer one.

    Args:
        device: waited for at the borders of phases, because work there is only queued.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._seconds: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A stretch of time that belongs to `name`."""
        self._begin(name)
        try:
            yield
        finally:
            self._end()

    def watch(self, module: nn.Module, name: str) -> None:
        """Count the way forward through a module for `name`."""
        module.register_forward_pre_hook(lambda *_: self._begin(name))
        module.register_forward_hook(lambda *_: self._end())

    def read(self) -> dict[str, float]:
        """Seconds by phase since the last reading, in the order in which phases began."""
        found = dict(self._seconds)
        self._seconds.clear()
        return found

    def _begin(self, name: str) -> None:
        self._count()
        self._open.append(name)
        self._seconds[name] += 0.0

    def _end(self) -> None:
        self._count()
        self._open.pop()

    def _count(self) -> None:
        wait_for(self._device)
        now = time.perf_counter()
        if self._open:
            self._seconds[self._open[-1]] += now - self._since
        self._since = now


def wait_for(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
