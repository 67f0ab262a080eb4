"""What there is to compute with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from albefkit.doctor.finding import Finding
from albefkit.quantities import size

DRIVER = Path("/proc/driver/nvidia/version")
"""Where Linux shows that there is a driver of NVIDIA's."""


def devices() -> Iterator[Finding]:
    """Processor, the numbers it is fast in, GPUs."""
    import torch

    from albefkit.engine.precision import choose_precision

    yield _processor(torch.get_num_threads())
    chosen = choose_precision("auto", torch.device("cpu")).name
    found = f"precision: auto takes {chosen} on the CPU (measured)"
    yield Finding("CPU numbers", "ok", found)
    if not torch.cuda.is_available():
        yield _without_gpu(torch.version.cuda)
        return
    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        chosen = choose_precision("auto", torch.device("cuda", number)).name
        found = f"{torch.cuda.get_device_name(number)}, {size(free)} of {size(total)} free"
        yield Finding(f"GPU {number}", "ok", f"{found}; precision: auto takes {chosen}")


def _processor(threads: int) -> Finding:
    from albefkit.engine.devices import cores

    here = cores()
    found = f"{here} cores, torch uses {threads} threads"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > here and threads > 1:
        advice = "until others are done, OMP_NUM_THREADS=1 is quicker than threads that wait"
        return Finding("CPU", "warning", f"{found}; {load:.1f} programs want to run", advice)
    if threads > here:
        return Finding("CPU", "warning", found, f"set OMP_NUM_THREADS={here}")
    return Finding("CPU", "ok", found)


def _without_gpu(built_for: str | None) -> Finding:
    if not DRIVER.exists():
        return Finding("GPU", "ok", "none that torch can use")
    found = "there is a driver of NVIDIA's, and torch finds no GPU"
    if built_for is None:
        return Finding(
            "GPU", "warning", f"{found}: it is built without CUDA", "install another torch"
        )
    advice = "compare the driver's version in nvidia-smi; look at CUDA_VISIBLE_DEVICES"
    return Finding("GPU", "warning", f"{found}; it is built for CUDA {built_for}", advice)
