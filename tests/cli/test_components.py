"""`albefkit components`."""

from __future__ import annotations

import json
import re
import sys

from tests.cli.test_main import run


def test_the_list(toys, capsys):
    assert run("components") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["kind", "name", "provider", "summary"]
    assert "negatives  hard       albefkit 0.1.0  Hard ones." in lines
    assert run("components", "negatives") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_one_component(toys, capsys):
    assert run("components", "objective", "itm") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "objective itm   albefkit 0.1.0"
    assert "tests/toy/components.py:" in out[1]
    assert [re.split("  +", line) for line in out[5:8]] == [
        ["parameter", "type", "default", "meaning"],
        ["negatives", "bases.Negatives", "hard", "how the wrong partners are chosen."],
        ["alpha", "bases.Schedule", "{type: ramp, to: 0.4}", "how much the teacher counts."],
    ]
    assert out[-1].split(maxsplit=1) == ["hard-negatives", "any will do"]
    assert run("components", "dataset", "captions") == 0
    assert "required" in capsys.readouterr().out


def test_for_programs(toys, capsys):
    assert run("components", "--json") == 0
    everything = json.loads(capsys.readouterr().out)
    assert {"kind", "name", "distribution", "version", "summary", "class", "problem"} == set(
        everything[0]
    )
    assert run("components", "objective", "itm", "--json") == 0
    one = json.loads(capsys.readouterr().out)
    assert one["parameters"][0]["default"] == "hard"
    assert one["ablations"] == {"hard-negatives": "any will do"}


def test_unknown_ones(toys, capsys):
    assert run("components", "objective", "imt") == 2
    assert "Did you mean 'itm'?" in capsys.readouterr().err
    assert run("components", "objectives") == 2
    assert "there is no kind 'objectives'. Did you mean 'objective'?" in capsys.readouterr().err


def test_contested_shadowing_foreign_and_broken_ones(stranger, capsys):
    assert run("components", "--problems") == 0
    assert capsys.readouterr().out == "no problems\n"
    points = {
        "albefkit.v1.negatives": {"sharp": "no_such:Sharp", "hard": "no_such:Hard"},
        "albefkit.v2.negatives": {"later": "no_such:Later"},
    }
    stranger("coca-kit", points=points)
    stranger("vlp-extras", points={"albefkit.v1.negatives": {"sharp": "also:Sharp"}})
    assert run("components", "negatives") == 0
    out = capsys.readouterr().out
    assert (
        "coca-kit/sharp    coca-kit 1.0    ✗ negatives 'sharp' is claimed by coca-kit 1.0 and "
        "vlp-extras 1.0" in out
    )
    assert "coca-kit/hard     coca-kit 1.0    ✗ negatives 'hard' is built in" in out
    assert "✗ negatives 'later' of coca-kit 1.0 is written for contract v2" in out
    assert run("components", "negatives", "--json") == 0
    assert json.loads(capsys.readouterr().out)[-1]["name"] == "coca-kit/later"
    assert run("components", "--problems") == 1
    assert "there is no module 'no_such'" in capsys.readouterr().out
    assert run("components", "--problems", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [each["what"] for each in found] == [
        "incompatible", "shadowed", "clash", "broken", "broken", "broken",
    ]  # fmt: skip
    assert {provider for each in found for provider in each["providers"]} == {
        "coca-kit 1.0", "vlp-extras 1.0",
    }  # fmt: skip
    assert all(each["message"] and each["hint"] for each in found)
    assert run("components", "negatives", "coca-kit/hard") == 0
    assert "its source cannot be read: no_such:Hard" in capsys.readouterr().out


def test_on_a_terminal(toys, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("components", "negatives") == 0
    assert "Hard ones." in capsys.readouterr().out


def test_fifty_plugins_are_listed_and_none_is_imported(stranger, capsys):
    for number in range(50):
        package = f"kit_{number}"
        points = {"albefkit.v1.negatives": {f"sharp-{number}": f"{package}.parts:Sharp"}}
        parts = f"{package}/parts.py"
        modules = {
            f"{package}/__init__.py": "raise SystemExit('imported')",
            parts: "raise SystemExit\nclass Sharp:\n    'Sharp.'\n",
        }
        stranger(f"kit-{number}", points=points, modules=modules)
    assert run("components") == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("Sharp." in line for line in lines) == 50
    assert not any(name.startswith("kit_") for name in sys.modules)
