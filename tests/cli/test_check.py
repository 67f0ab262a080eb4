"""`albefkit check` and `albefkit schema`."""

from __future__ import annotations

import json
from pathlib import Path

from albefkit.cli.components import _complete_name, complete_kind
from albefkit.cli.options import _complete_recipe
from tests.cli.test_main import run


def test_a_right_recipe(recipe, capsys):
    assert run("check", "toy.yaml", "--set", "train.epochs=3", "--drop", "itm-easy") == 0
    assert capsys.readouterr().out.startswith("toy.yaml: OK, 12 components, hash ")


def test_a_wrong_recipe(recipe, capsys):
    assert run("check", "toy.yaml", "--set", "alignment.temperature=hot") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "albefkit: there is a problem\n"
        "command line  --set alignment.temperature=hot\n"
        "    expected float, got text 'hot'\n"
    )


def test_schema_to_a_file_or_the_terminal(toys, folder, capsys):
    assert run("schema") == 0
    text = capsys.readouterr().out
    assert run("schema", "--out", "s.json") == 0
    assert Path("s.json").read_text() == text
    assert json.loads(text)["title"] == "albefkit recipe"
    assert run("schema", "--out", "no/such/folder.json") == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_completion(toys):
    class Context:
        params = {"kind": "negatives"}  # noqa: RUF012

    assert complete_kind("n") == ["negatives"]
    assert _complete_name(Context(), "h") == ["hard"]  # type: ignore[arg-type]
    assert "albef_tiny" in _complete_recipe("albef_t")
