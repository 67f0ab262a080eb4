"""Candidates from the batch: of this process, or of all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

from albefkit.distributed import gather_rows_own_first

SCRIPT = Path(__file__).with_name("two_processes.py")
ROOT = SCRIPT.parent.parent.parent


def test_alone_nothing_is_gathered() -> None:
    rows = torch.randn(2, 3)
    assert gather_rows_own_first(rows) is rows


def test_two_processes_learn_what_one_learns_from_both_batches() -> None:
    """Loss, gradients, positives across ranks; an evaluation on one rank waits for nobody."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nproc-per-node=2",
            "--standalone",
            SCRIPT,
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
