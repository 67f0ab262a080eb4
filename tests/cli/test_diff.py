"""`albefkit diff`."""

import json
from pathlib import Path

import pytest

from albefkit.recipe.load import load_recipe
from tests.cli.test_main import run

EDITED = """\
extends: toy.yaml
objectives:
  itm: {negatives: random}
  itm-easy: null
train: {epochs: 3}
"""


@pytest.fixture
def edited(recipe, toys):
    Path("edited.yaml").write_text(EDITED)


def test_in_words(edited, capsys):
    assert run("diff", "toy.yaml", "edited.yaml") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "train.epochs: 2 -> 3" in lines
    assert any(line.startswith("objectives.itm.negatives: {type: hard") for line in lines)
    assert any(line.startswith("objectives.itm-easy: gone, was {type: itm") for line in lines)
    assert len(lines) == 3


def test_for_machines(edited, capsys):
    assert run("diff", "edited.yaml", "toy.yaml", "--json") == 0
    found = {each.pop("path"): each for each in json.loads(capsys.readouterr().out)}
    assert found["train.epochs"] == {"before": 3, "after": 2}
    assert found["objectives.itm-easy"].keys() == {"after"}


def test_the_recipe_of_a_run(edited, capsys):
    Path("run").mkdir()
    Path("run/resolved.yaml").write_text(load_recipe("edited.yaml").to_yaml())
    assert run("diff", "run", "edited.yaml") == 0
    assert capsys.readouterr().out == "both say the same\n"
    assert run("diff", "run", "edited.yaml", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_what_is_no_recipe(edited, capsys):
    Path("empty").mkdir()
    assert run("diff", "toy.yaml", "empty") == 2
    assert "empty\n    holds no run" in capsys.readouterr().err
    assert run("diff", "toy.yaml", "edted") == 2
    assert "no recipe 'edted'" in capsys.readouterr().err


def test_shipped_recipes(capsys):
    assert run("diff", "albef_tiny", "albef_base") == 0
    assert "model.vision.image_size: 64 -> 256" in capsys.readouterr().out
