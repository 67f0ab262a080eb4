"""What README.md and CONTRIBUTING.md tell people to type works."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from albefkit.cli.main import VERBS, main
from albefkit.recipe.load import load_recipe
from tests.toy.site import install

TOP = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SMALL = ("data.train=64", "data.val=8", "data.test=8", "train.max_steps=2", "train.workers=0")


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    found = BLOCK.findall((TOP / document).read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def commands() -> list[list[str]]:
    """Every `albefkit ...` of a block, without its explanation."""
    lines = [
        line
        for document in ("README.md", "CONTRIBUTING.md")
        for block in blocks(document, "")
        for line in block.splitlines()
    ]
    typed = [line.partition("albefkit ")[2] for line in lines if "albefkit " in line]
    return [shlex.split(re.split(r" {3,}|#", rest)[0]) for rest in typed]


def test_every_verb_that_is_named_exists_and_every_verb_is_named():
    named = {words[0] for words in commands() if words}
    assert named == set(VERBS)


def test_commands_that_run_a_recipe_name_a_right_one(monkeypatch):
    monkeypatch.chdir(TOP)
    checked = 0
    for words in commands():
        if words[0] == "run" and words[1].endswith(".yaml"):
            sets = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
            drops = [words[i + 1] for i, word in enumerate(words) if word == "--drop"]
            load_recipe(words[1], sets=sets, drops=drops)
            checked += 1
    assert checked >= 3


@pytest.fixture
def sharper(tmp_path, monkeypatch):
    """The tutorial's plugin, made and edited as it says, with the metadata that pip would leave."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))
    (new,) = (words for words in commands() if words[:3] == ["plugin", "new", "albefkit-sharper"])
    assert leave(*new) == 0
    loss, _ = blocks("CONTRIBUTING.md", "python")
    (recipe,) = blocks("CONTRIBUTING.md", "yaml")
    folder = tmp_path / "albefkit-sharper"
    for text in (loss, recipe):
        (file,) = re.findall(r"^# (.+)\n", text)
        assert (folder / file).is_file()
        (folder / file).write_text(text)
    points = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]
    install(folder, "albefkit-sharper", points=points)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.startswith("albefkit_sharper")]:
        del sys.modules[name]


def leave(*arguments: str) -> object:
    """The exit code of `albefkit ...`."""
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    return leaving.value.code or 0


def test_the_first_objective_of_the_tutorial_trains(sharper):
    sets = [word for value in SMALL for word in ("--set", value)]
    assert leave("run", str(sharper / "recipes/sharper.yaml"), "--out", "run", *sets) == 0
    assert '"sharper"' in Path("run/metrics.jsonl").read_text()


def test_the_first_objective_of_the_tutorial_keeps_its_contracts(sharper):
    _, test = blocks("CONTRIBUTING.md", "python")
    names: dict[str, Any] = {}
    exec(test, names)
    (mark,) = names["test_conformance"].pytestmark
    for check in mark.args[1]:
        names["test_conformance"](check)


@pytest.mark.parametrize("text", blocks("README.md", "yaml"))
def test_a_recipe_of_the_readme_is_right(text, tmp_path):
    file = tmp_path / "readme.yaml"
    file.write_text("extends: albef_tiny\n" + text)
    load_recipe(file)
