"""Where a process computes."""

from __future__ import annotations

import os
from typing import Literal

import torch

from albefkit.distributed import World
from albefkit.registry.errors import Problem, RecipeError

DeviceName = Literal["auto", "cpu", "cuda"]


def choose_device(wanted: DeviceName, world: World) -> torch.device:
    """Where this process computes.

    Raises:
        RecipeError: there is no such device here.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        message = "there is no GPU that torch can use here"
        raise RecipeError(Problem("--device", "cuda", message, "try --device cpu"))
    device = torch.device("cuda", world.local_rank)
    torch.cuda.set_device(device)
    return device


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main_memory() -> int | None:
    """Bytes of main memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
