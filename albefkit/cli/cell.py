"""A run that an ablation began, in its own process:
`python -m albefkit.cli.cell PARENT FOLDER RECIPE OPTION...`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from albefkit.cli.main import main

DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux' prctl."""


def carry_out(parent: str, folder: str, recipe: str, *options: str) -> None:
    """Begin the run in `FOLDER/run` or go on with it; save and stop when the parent is gone."""
    with contextlib.suppress(OSError, AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGTERM)
    if os.getppid() != int(parent):
        return
    run = Path(folder) / "run"
    with _alone(Path(folder)):
        if (run / "resolved.yaml").is_file():
            main(["run", str(run), "--resume", *options])
        else:  # killed before it had begun: there is nothing in it to go on with
            shutil.rmtree(run, ignore_errors=True)
            main(["run", recipe, "--out", str(run), *options])


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until whoever ran here before has saved and left."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    carry_out(*sys.argv[1:])
