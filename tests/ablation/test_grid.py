"""Ablations of a micro recipe, through the command line, with real runs in their own processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from albefkit.ablation import grid
from albefkit.ablation.budgets import equal_steps
from albefkit.ablation.expenses import Estimate
from albefkit.ablation.plan import make_plan
from albefkit.ablation.variants import Wishes, variants
from albefkit.cli.main import main

MICRO = str(Path(__file__).parent.parent / "micro.yaml")


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def ablate(*arguments, out):
    with pytest.raises(SystemExit) as leaving:
        main(["ablate", "--recipe", MICRO, "--out", str(out), *map(str, arguments)])
    assert not leaving.value.code


def folders(out):
    return {path.parent: path.stat().st_mtime_ns for path in (out / "runs").glob("*/run/STATUS")}


def test_a_part_is_dropped_and_the_table_says_what_it_bought(tmp_path, capsys):
    ablate("--drop", "mod", "--seeds", "2", "--jobs", "2", out=tmp_path)
    assert len(folders(tmp_path)) == 4
    study = json.loads((tmp_path / "study.json").read_text())
    full, without = study["rows"]
    assert (full["name"], without["name"], without["reference"]) == ("full", "no mod", "full")
    assert set(without["metrics"]["retrieval.r_mean"]) == {"42", "43"}
    effect = without["effects"]["retrieval.r_mean"]
    means = [sum(row["metrics"]["retrieval.r_mean"].values()) / 2 for row in (without, full)]
    assert effect["difference"] == pytest.approx(means[0] - means[1])
    assert effect["low"] <= effect["difference"] <= effect["high"]
    assert (effect["seeds"], effect["items"]) == (2, 16)
    assert without["expense"]["parameters"] < full["expense"]["parameters"]
    assert without["expense"]["flops_per_sample"] < full["expense"]["flops_per_sample"]
    assert "no mod" in capsys.readouterr().out
    before = folders(tmp_path)
    ablate("--drop", "mod", "--seeds", "2", out=tmp_path)
    assert folders(tmp_path) == before
    assert "4 of 4 runs are there already" in capsys.readouterr().out


class Planned:
    """A run that is not there yet."""

    finished = False

    def __init__(self, folder: str) -> None:
        self.folder = folder


@pytest.mark.parametrize(
    ("runs", "memory", "at_once"),
    [(8, 1, 4), (3, 1, 3), (8, 20, 4), (8, 30, 2), (8, 500, 1), (0, 1, 1)],
)
def test_as_many_runs_at_once_as_cores_and_memory_bear(runs, memory, at_once, monkeypatch):
    monkeypatch.setattr(grid, "cores", lambda: 4)
    monkeypatch.setattr(grid, "main_memory", lambda: 100)
    cells = [Planned(str(number)) for number in range(runs)]
    assert grid.fitting_jobs(cells, memory, "cpu") == at_once
    assert grid.fitting_jobs(cells * 2, memory, "cpu") == at_once


def test_one_run_at_a_time_where_memory_is_unknown(monkeypatch):
    monkeypatch.setattr(grid, "main_memory", lambda: None)
    assert grid.fitting_jobs([Planned("a"), Planned("b")], 1, "cpu") == 1


def test_a_run_that_fails_is_reported_in_its_row_and_the_others_go_on(tmp_path, capsys):
    root = tmp_path / "gone"
    swap = f"data={{type: captions, root: {root}}}"
    ablate("--swap", swap, "--drop", "mod", "--set", "train.max_steps=2", out=tmp_path / "out")
    _, without, broken = json.loads((tmp_path / "out" / "study.json").read_text())["rows"]
    assert without["metrics"] and not without["failures"]
    assert not broken["metrics"] and str(root) in str(broken["failures"])


def test_a_plan_is_shown_and_nothing_is_run(tmp_path, capsys):
    ablate("--drop", "mod", "--dry-run", out=tmp_path)
    said = capsys.readouterr().out
    assert "objectives.mod: gone" in said and "of training" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_what_was_killed_goes_on_and_nothing_finished_is_repeated(tmp_path):
    command = [sys.executable, "-m", "albefkit", "ablate", "--recipe", MICRO, "--drop", "mod"]
    command += ["--set", "train.epochs=40", "--jobs", "1", "--out", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(done(tmp_path)) < 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = done(tmp_path)
    assert len(first) == 1
    stamps = {path: path.stat().st_mtime_ns for path in first}
    wait_for_orphans(tmp_path)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=240)
    assert len(done(tmp_path)) == 2
    assert {path: path.stat().st_mtime_ns for path in first} == stamps
    assert (tmp_path / "report.html").is_file()


def done(out):
    statuses = (out / "runs").glob("*/run/STATUS")
    return [path for path in statuses if path.read_text().strip() == "done"]


def wait_for_orphans(out):
    """A run whose ablation was killed is told to stop; it saves first."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        names = {path.name for path in (out / "runs").iterdir()}
        if not any(name in line for line in processes() for name in names):
            return
        time.sleep(0.2)
    raise AssertionError("a run outlives its ablation")


def processes():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                yield (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue


@pytest.mark.parametrize(
    ("budget", "steps"), [("steps", 100), ("samples", 50), ("flops", 25), ("minutes", 40)]
)
def test_budgets_are_equal_in_what_they_are_named_for(budget, steps):
    reference = Estimate(1, 1, 10.0, 8, 100, 0.2, "fp32", 0)
    ours = Estimate(1, 1, 20.0, 16, 300, 0.5, "fp32", 0)
    assert equal_steps(budget, ours, reference) == steps


def test_a_budget_of_operations_gives_the_cheaper_variant_more_steps(tmp_path):
    rows = make_plan(
        variants(Wishes(base=MICRO, drops=["mod"])), [42, 43], "flops", "cpu", tmp_path
    ).rows
    full, without = rows
    assert without.steps > full.steps
    spent = [row.steps * row.estimate.flops_per_sample for row in rows]
    assert spent[1] == pytest.approx(spent[0], rel=0.1)
    assert {cell.recipe.settings.train.seed for cell in without.cells.values()} == {42, 43}
