"""Carrying out an ablation: every variant with every seed, several at once, none twice."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence

import torch

from albefkit.ablation.cells import Cell
from albefkit.ablation.display import GridDisplay
from albefkit.distributed import World
from albefkit.engine.devices import DeviceName, choose_device, cores, main_memory
from albefkit.quantities import duration
from albefkit.registry.errors import Interrupted, Problem

POLL_SECONDS = 0.5
THREADS = "OMP_NUM_THREADS"
ROOM = 0.8
"""Share of main memory that runs at the same time may take."""


def carry_out(cells: Sequence[Cell], jobs: int, device: DeviceName, display: GridDisplay) -> None:
    """Run all cells that have no results yet; one that fails does not keep the others.

    Args:
        cells: what to run, in this order.
        jobs: how many at once.
        device: where.
        display: told what begins, goes on and ends.

    Raises:
        Interrupted: stopped from outside; the cells have saved what they had.
    """
    different = unique(cells)
    waiting = [cell for cell in different if not cell.finished]
    total, begun = len(waiting), 0
    if len(different) > total:
        display.say(f"{len(different) - total} of {len(different)} runs are there already")
    running: dict[int, tuple[Cell, subprocess.Popen[bytes], float]] = {}
    try:
        while waiting or running:
            for slot in range(jobs):
                if slot not in running and waiting:
                    cell = waiting.pop(0)
                    begun += 1
                    display.say(f"[{begun}/{total}] {cell.label}: begins")
                    process = cell.start(device, _environment(slot, jobs))
                    running[slot] = (cell, process, time.monotonic())
            for slot, (cell, process, started) in list(running.items()):
                if process.poll() is not None:
                    del running[slot]
                    display.say(_ending(cell, time.monotonic() - started))
            display.look([cell for cell, _, _ in running.values()])
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        message = "stopped; runs that had begun have saved what they had"
        raise Interrupted(Problem("", "", message, "repeat the command to go on")) from None
    finally:
        for _, process, _ in running.values():
            process.terminate()
        for _, process, _ in running.values():
            process.wait()


def fitting_jobs(cells: Sequence[Cell], memory: int, device: DeviceName) -> int:
    """How many runs this machine bears at once: one for each GPU, or for each core.

    Small networks do not fill several cores: two runs of albef_tiny on a core each are done sooner
    than one after the other on both.

    Args:
        cells: what there is to run.
        memory: bytes that each takes.
        device: where.
    """
    waiting = sum(not cell.finished for cell in unique(cells))
    if choose_device(device, World()).type == "cuda":
        return max(1, min(waiting, torch.cuda.device_count()))
    room = int((main_memory() or 0) * ROOM) // max(memory, 1)
    return max(1, min(waiting, cores(), room))


def unique(cells: Sequence[Cell]) -> list[Cell]:
    """Variants that come to the same recipe are run once."""
    return list({cell.folder: cell for cell in cells}.values())


def _environment(slot: int, jobs: int) -> dict[str, str]:
    """What keeps runs at the same time out of each other's way."""
    found = {}
    if jobs > 1 and THREADS not in os.environ:
        found[THREADS] = str(max(1, cores() // jobs))
    if torch.cuda.is_available():
        found["CUDA_VISIBLE_DEVICES"] = _device(slot)
    return found


def _device(slot: int) -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(i) for i in range(torch.cuda.device_count())]
    return names[slot % len(names)]


def _ending(cell: Cell, seconds: float) -> str:
    if cell.finished:
        return f"{cell.label}: done in {duration(seconds)}"
    return f"{cell.label}: failed after {duration(seconds)}, see {cell.output}"
