"""The released learning rates, step by step."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest

from albefkit.distill.staircase import Staircase
from albefkit.progress import Progress
from tests.golden.cases import fixed_dir

FOLDER = fixed_dir("lr_schedule")
assert FOLDER is not None
TRACE = FOLDER / "lr_schedule.csv"

# Spec 12: peak, end, first stair, number of stairs.
SETTINGS = {
    "pretrain": (1e-4, 1e-5, 1e-5, 20),
    "pretrain_short_epoch": (1e-4, 1e-5, 1e-5, 20),
    "retrieval_coco": (1e-5, 1e-6, 1e-5, 1),
    "retrieval_flickr": (1e-5, 1e-6, 1e-5, 1),
    "ve": (2e-5, 1e-6, 1e-5, 1),
    "vqa": (2e-5, 1e-6, 1e-5, 4),
    "nlvr": (2e-5, 1e-6, 1e-5, 1),
    "nlvr_pretrain": (2e-5, 1e-5, 1e-5, 1),
    "grounding": (1e-5, 1e-6, 1e-5, 1),
}


def traces() -> dict[str, list[dict[str, float]]]:
    """Task -> rows; a row says which rate is in force from its iteration on."""
    by_task = defaultdict(list)
    with TRACE.open() as file:
        for row in csv.DictReader(file):
            by_task[row.pop("task")].append({key: float(value) for key, value in row.items()})
    return by_task


@pytest.mark.parametrize("task", sorted(traces()))
def test_staircase_is_the_released_schedule(task):
    peak, end, first, stages = SETTINGS[task]
    schedule = Staircase(peak=peak, end=end, warmup_from=first, warmup_stages=stages)
    rows = traces()[task]
    per_epoch, epochs = int(rows[0]["iters_per_epoch"]), int(rows[-1]["epoch"])
    in_force, changes = None, {}
    for row in rows[:-1]:  # the last row is what is left after training, which no step uses
        changes[int(row["epoch"]) * per_epoch + int(row["iteration_from"])] = row["lr"]
    for step in range(per_epoch * epochs):
        in_force = changes.get(step, in_force)
        got = schedule(Progress(step=step, steps_per_epoch=per_epoch, epochs=epochs))
        assert got == pytest.approx(in_force, rel=1e-9, abs=0), step
