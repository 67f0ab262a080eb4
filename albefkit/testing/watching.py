"""What must stay as it is around a component: random numbers, settings, files, output."""

from __future__ import annotations

import contextlib
import io
import os
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

GENERATORS: dict[str, Callable[[], Any]] = {
    "torch's global generator": lambda: torch.get_rng_state().numpy().tobytes(),
    "numpy's global generator": lambda: _numpy_state(),
    "Python's global generator": random.getstate,
}
SETTINGS: dict[str, Callable[[], Any]] = {
    "torch's default dtype": torch.get_default_dtype,
    "torch's default device": torch.get_default_device,
    "torch's number of threads": torch.get_num_threads,
    "torch's gradient mode": torch.is_grad_enabled,
    "torch's deterministic mode": torch.are_deterministic_algorithms_enabled,
    "the environment": lambda: dict(os.environ),
    "the working directory": lambda: (str(Path.cwd()), sorted(Path.cwd().iterdir())),
    "the number of threads": threading.active_count,
}

PLAIN = frozenset({"HOME", "PATH", "TMPDIR", "TEMP", "TMP", "USERPROFILE", "SYSTEMROOT"})
"""What the environment always holds."""


@contextmanager
def random_state(seed: int) -> Iterator[None]:
    """All global generators begin at a seed, and are afterwards where they were."""
    python, numbers = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numbers)


def drawn() -> dict[str, float]:
    """The next number of every global generator."""
    numbers = (float(torch.rand(())), float(np.random.random()), random.random())
    return dict(zip(GENERATORS, numbers, strict=True))


def changed(watched: dict[str, Callable[[], Any]], act: Callable[[], object]) -> list[str]:
    """What of `watched` an act changes."""
    before = {name: look() for name, look in watched.items()}
    act()
    return [name for name, look in watched.items() if look() != before[name]]


def printed(act: Callable[[], object]) -> str:
    """What an act prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        act()
    return out.getvalue()


@contextmanager
def as_if_new() -> Iterator[None]:
    """Settings are those of a process that has just begun, as far as they can be: what a module
    does to them shows, even if it has done it before.
    """
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    plain = {name: value for name, value in os.environ.items() if name in PLAIN}
    try:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(threads + 1)
        with mock.patch.dict(os.environ, plain, clear=True), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)


@contextmanager
def empty_folder() -> Iterator[None]:
    """The working directory is an empty one."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield


def _numpy_state() -> tuple[bytes, object]:
    state: Any = np.random.get_state()
    return state[1].tobytes(), state[2]
