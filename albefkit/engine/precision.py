"""Which numbers a network computes with."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch

PrecisionName = Literal["fp32", "bf16", "fp16"]

PROBE_SIDE = 512
PROBE_TURNS = 20
WORTHWHILE = 1.3
"""How many times faster a matrix product in bf16 must be before it is taken."""
HOPELESS = 4.0
"""So many times slower ends the probe at once: processors without bf16 emulate it, at length."""


@dataclass(frozen=True, slots=True)
class Precision:
    """The numbers of a run; weights and their updates are float32 whatever it is.

    Args:
        name: what matrix products compute with.
        device: where.
    """

    name: PrecisionName
    device: torch.device

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which a network runs."""
        dtype = torch.float16 if self.name == "fp16" else torch.bfloat16
        return torch.autocast(self.device.type, dtype=dtype, enabled=self.name != "fp32")

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps small gradients above zero in fp16; does nothing otherwise."""
        return torch.amp.GradScaler(self.device.type, enabled=self.name == "fp16")


def choose_precision(
    wanted: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device
) -> Precision:
    """The fastest numbers that are safe on a device, or those that were asked for.

    bf16 has the range of float32, so nothing overflows; fp16 is never chosen unasked.
    """
    if wanted != "auto":
        return Precision(wanted, device)
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and bf16_pays_on_cpu()
    return Precision("bf16" if fast else "fp32", device)


@cache
def bf16_pays_on_cpu() -> bool:
    """Whether this machine multiplies matrices clearly faster in bf16: measured, once a process."""
    square = torch.randn(PROBE_SIDE, PROBE_SIDE, generator=torch.Generator().manual_seed(0))
    half = square.bfloat16()
    for each in (square, half):
        _seconds(each)  # the first pays for what the library sets up
    if _seconds(half) > HOPELESS * _seconds(square):
        return False
    # In turns, so that whatever else runs here slows both; the shortest waited for nothing.
    times = [(_seconds(square), _seconds(half)) for _ in range(PROBE_TURNS)]
    return min(full for full, _ in times) > WORTHWHILE * min(short for _, short in times)


def _seconds(square: torch.Tensor) -> float:
    started = time.perf_counter()
    torch.mm(square, square)
    return time.perf_counter() - started
