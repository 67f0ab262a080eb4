"""What a device can do at best: matrix products and nothing else."""

from __future__ import annotations

import time

import torch

from albefkit.bench.clock import wait_for

SIDES = (1024, 2048, 4096)
"""Of the square matrices that are multiplied; some are faster here, some there."""

SECONDS = 0.5
"""Spent on each size."""


def matrix_ceiling(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of the fastest matrix product, measured on the spot."""
    return max(_rate(side, device, dtype) for side in SIDES)


def _rate(side: int, device: torch.device, dtype: torch.dtype) -> float:
    square = torch.randn(side, side, device=device).to(dtype)
    torch.mm(square, square)
    wait_for(device)
    best, finish = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < finish:
        started = time.perf_counter()
        torch.mm(square, square)
        wait_for(device)
        best = min(best, time.perf_counter() - started)
    return 2 * side**3 / best
