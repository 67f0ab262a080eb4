"""The diagnostics in whole runs of a micro recipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import albefkit
from albefkit.cli.main import main

MICRO = str(Path(__file__).parent / "micro.yaml")
DIAGNOSTICS = ("false-negatives", "matching-calibration", "teacher-agreement")


def command(*arguments: object) -> int:
    """The command line's exit code."""
    try:
        main(list(map(str, arguments)))
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def diagnosed(folder, *options):
    sets = [part for name in DIAGNOSTICS for part in ("--set", f"evaluate.{name}.batch_size=8")]
    noise = ("--set", "data.noise=0.5")
    return command("run", MICRO, "--out", folder, *sets, *noise, *options)


def metrics(folder, name):
    return json.loads((folder / "metrics.json").read_text())["evaluators"][name]["metrics"]


@pytest.fixture(autouse=True)
def home(tmp_path_factory, tmp_path, monkeypatch):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.chdir(tmp_path)


def test_a_run_is_diagnosed_and_its_weights_say_the_same_again(tmp_path):
    run = tmp_path / "run"
    assert diagnosed(run) == 0
    summary = json.loads((run / "summary.json").read_text())
    assert summary["false-negatives"]["known"] > 90
    assert 0 <= summary["matching-calibration"]["hard_calibration_error"] <= 100
    assert {"teacher_prefers_clean", "student_prefers_clean"} <= summary["teacher-agreement"].keys()
    for name in DIAGNOSTICS:
        out = tmp_path / name
        assert command("evaluate", run, "--on", name, "--weights", "last", "--out", out) == 0
        assert metrics(out, name) == summary[name]
    # What is left at home by a model for others to use is not asked.
    albefkit.load(run).save_pretrained(tmp_path / "model")
    out = tmp_path / "exported"
    assert command("evaluate", "model", "--on", "teacher-agreement", "--out", out) == 0
    found = metrics(out, "teacher-agreement")
    assert found and not any(key.startswith("teacher") for key in found)


def test_what_a_network_cannot_be_asked_is_refused_before_training(tmp_path, capsys):
    run = tmp_path / "run"
    assert diagnosed(run, "--drop", "itc") == 2
    said = capsys.readouterr().err
    assert "evaluate.false-negatives\n    partners are drawn by similarity" in said
    assert "evaluate.teacher-agreement\n    the advice is about similarity" in said
    assert "matching-calibration" not in said
    assert not run.exists()
    assert diagnosed(run, "--drop", "itm") == 2
    said = capsys.readouterr().err
    assert "evaluate.matching-calibration\n    this needs a head 'itm' that judges pairs" in said
