"""How long it takes from typing a command to the first step."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from albefkit.engine.run_directory import RunDirectory
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError

LOOK_EVERY = 0.02
"""Seconds between looks at the run's folder."""


def measure_startup(
    recipe: str, sets: Sequence[str], rounds: int, progress: Callable[[str], None]
) -> list[float]:
    """Seconds from the start of `albefkit run` to its first step, of each round.

    A first run, which is not timed, fills the caches.

    Args:
        recipe: its name or file.
        sets: edits.
        rounds: how many runs are timed.
        progress: told what happens.

    Raises:
        ComponentError: the run ends before its first step.
    """
    load_recipe(recipe, sets=sets)
    seconds = []
    for number in range(rounds + 1):
        progress(f"start {number} of {rounds}" if number else "fills the caches")
        with tempfile.TemporaryDirectory() as folder:
            seconds.append(_until_first_step(recipe, sets, Path(folder) / "run"))
    return seconds[1:]


def _until_first_step(recipe: str, sets: Sequence[str], out: Path) -> float:
    command = [sys.executable, "-m", "albefkit", "run", recipe, "--out", str(out)]
    for each in (*sets, "train.log_every=1"):
        command += ["--set", each]
    metrics, started = RunDirectory(out).metrics, time.perf_counter()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=subprocess.PIPE, text=True) as run:
        try:
            while not (metrics.is_file() and metrics.stat().st_size):
                if run.poll() is not None and not metrics.is_file():
                    assert run.stderr is not None
                    said = run.stderr.read().strip()
                    raise ComponentError(f"{recipe}: it ended before its first step\n{said}")
                time.sleep(LOOK_EVERY)
            return time.perf_counter() - started
        finally:
            run.kill()
