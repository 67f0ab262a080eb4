"""World size 1 needs no process group; several agree."""

from __future__ import annotations

import os
import subprocess
import sys

import torch

from albefkit.distributed import (
    World,
    any_rank,
    gather_rows,
    launched_world,
    mean_over_ranks,
    process_group,
    wait_for_all,
)

TORCHRUN = ("torch.distributed.run", "--nproc-per-node=2", "--standalone")
TWO = """
import torch
from albefkit.distributed import *
world, host = launched_world(), torch.device("cpu")
with process_group(world, host):
    rows = gather_rows(torch.full((2, 3), float(world.rank)))
    assert rows[:, 0].tolist() == [0.0, 0.0, 1.0, 1.0], rows
    assert gather_rows(torch.tensor([world.rank])).tolist() == [0, 1]
    assert any_rank(world.rank == 1, host) and not any_rank(False, host)
    assert mean_over_ranks(torch.tensor(float(world.rank))).item() == 0.5
    wait_for_all()
"""


def test_alone_no_process_group_is_needed(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    world = launched_world()
    assert world == World() and world.leads
    with process_group(world, torch.device("cpu")):
        rows = torch.randn(2, 3)
        assert gather_rows(rows) is rows
        assert any_rank(True, rows.device) and not any_rank(False, rows.device)
        assert mean_over_ranks(rows) is rows
        wait_for_all()


def test_two_processes_agree(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nproc-per-node=2",
            "--standalone",
            script,
        ],
        check=True,
        env=environment,
        capture_output=True,
    )
