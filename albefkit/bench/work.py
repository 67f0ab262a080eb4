"""What can be timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch


class Work(Protocol):
    """Something that is done again and again, as much each time."""

    samples: int
    """Done per turn."""

    precision: str
    """Which numbers it computes with: `fp32`, `bf16`, `fp16`."""

    device: torch.device
    """Where."""

    def turn(self) -> None:
        """Do it once, and wait until it is done."""
        ...

    def phases(self) -> dict[str, float]:
        """Seconds of the turns since the last reading, by phase."""
        ...


@dataclass(frozen=True)
class Contender:
    """Who is timed.

    Args:
        name: as people call it.
        prepare: makes the work; a function of a module and plain arguments, because it travels to
            a process of its own.
    """

    name: str
    prepare: Callable[[], Work]
