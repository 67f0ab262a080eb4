"""`albefkit compare`."""

import csv
import json
from pathlib import Path

import pytest

from tests.ablation.kept_runs import keep_run
from tests.cli.test_main import run

MICRO = str(Path(__file__).parents[1] / "micro.yaml")
FIGURES = ([0.0, 100.0, 0.0, 100.0], [100.0, 100.0, 100.0, 100.0])


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for name, figures in zip("ab", FIGURES, strict=True):
        for seed in (1, 2):
            keep_run(Path(name) / str(seed), {"r1": figures, "r5": figures}, seed=seed)


def test_two_real_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    steps = ("--set", "train.max_steps=2")
    assert run("run", MICRO, "--out", "full", *steps) == 0
    assert run("run", MICRO, "--out", "less", *steps, "--drop", "mod") == 0
    capsys.readouterr()
    assert run("compare", "full", "less", "--out", "found.json") == 0
    out = capsys.readouterr().out
    assert "objectives.mod: gone" in out and "one seed" in out
    figures = json.loads(Path("found.json").read_text())["figures"]
    results = [json.loads(Path(name, "summary.json").read_text()) for name in ("full", "less")]
    for each in figures:
        metric = each["figure"].removeprefix("retrieval.")
        first, second = (result["retrieval"][metric] for result in results)
        assert each["first"] == pytest.approx(first) and each["second"] == pytest.approx(second)
        assert each["difference"] == pytest.approx(second - first)
        assert each["items"] == 16
    assert "retrieval.itc_image_r1" in {each["figure"] for each in figures}


def test_the_table(runs, capsys):
    assert run("compare", "a", "b") == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    place = [line.strip() for line in lines].index("retrieval")
    line = lines[place + 1]
    assert line.split()[:4] == ["r1", "50.0", "100.0", "+50.0"]
    assert line.rstrip().endswith("inside the noise")
    assert "seeds: 1, 2" in out and "number of figures, 2 (Holm)" in out
    assert "B's recipe: says the same" in out and "one seed" not in out


def test_a_narrow_terminal_cuts_no_digits(runs, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert run("compare", "a", "b") == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert any(line.split()[1:4] == ["50.0", "100.0", "+50.0"] for line in out.splitlines())


def test_files(runs, capsys):
    for name in ("t.csv", "t.md", "t.json"):
        assert run("compare", "a", "b", "--out", name) == 0
        assert f"{name}: written" in capsys.readouterr().out
    rows = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    whole = json.loads(Path("t.json").read_text())
    assert [row["figure"] for row in rows] == ["retrieval.r1", "retrieval.r5"]
    assert (whole["first"], whole["second"], whole["seeds"]) == ("a", "b", [1, 2])
    for row, figure in zip(rows, whole["figures"], strict=True):
        assert float(row["difference"]) == figure["difference"] == 50.0
        assert float(row["p_adjusted"]) == figure["p_adjusted"] >= figure["p"]
    table = Path("t.md").read_text().splitlines()
    assert table[0].startswith("| figure | A | B |")
    assert table[2].startswith("| retrieval.r1 | 50.0 | 100.0 | +50.0 |")
    assert {line.count("|") for line in table[:4]} == {8}


@pytest.mark.parametrize(
    ("out", "message"),
    [("t.txt", "expected .csv, .md, .json"), ("no/t.md", "cannot be written: No such file")],
)
def test_where_it_cannot_be_written(runs, capsys, out, message):
    assert run("compare", "a", "b", "--out", out) == 2
    assert message in capsys.readouterr().err


def test_what_is_no_run_is_said_in_words(runs, capsys):
    assert run("compare", "a", "nowhere") == 2
    assert "nowhere\n    does not exist" in capsys.readouterr().err
