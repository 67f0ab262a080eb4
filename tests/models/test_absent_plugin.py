"""A run whose plugin is gone says what to install, at every door."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import albefkit
from albefkit.registry.errors import RecipeError
from tests.models.conftest import command, train
from tests.toy.site import install

MODULES = {
    "vlp_gentle.py": """
        from albefkit.distill.ramp import Ramp

        class Gentle(Ramp):
            '''A line, by another name.'''
    """
}
WANTED = (
    "    there is no schedule 'gentle'.\n"
    "    it was vlp-gentle 0.3.1's, {}: python -m pip install vlp-gentle==0.3.1"
)


def put(site: Path, version: str, name: str = "gentle") -> None:
    points = {"albefkit.v1.schedule": {name: "vlp_gentle:Gentle"}}
    install(site, "vlp-gentle", version, points=points, modules=MODULES)


@pytest.fixture(scope="module")
def gentle(tmp_path_factory) -> Path:
    """A run, and what was saved of it in `../saved`; the plugin it used is gone."""
    folder = tmp_path_factory.mktemp("gentle")
    with pytest.MonkeyPatch.context() as patch:
        put(folder / "site", "0.3.1")
        patch.syspath_prepend(str(folder / "site"))
        run = train(folder, {}, "--set", "objectives.mod.alpha={type: gentle, to: 0.4, epochs: 1}")
        albefkit.load(run).save_pretrained(folder / "saved")
    return run


def test_the_manifest_says_who_provided_what(gentle):
    components = json.loads((gentle / "manifest.json").read_text())["components"]
    (mine,) = (each for each in components if each["type"] == "gentle")
    assert (mine["distribution"], mine["version"]) == ("vlp-gentle", "0.3.1")
    assert "vlp-gentle 0.3.1" in (gentle.parent / "saved" / "README.md").read_text()


def test_loading_names_what_to_install(gentle):
    for folder in (gentle, gentle.parent / "saved"):
        with pytest.raises(RecipeError) as caught:
            albefkit.load(folder)
        assert WANTED.format("which is not installed") in str(caught.value)


@pytest.mark.parametrize("arguments", [("evaluate",), ("run", "--resume"), ("diff", "albef_tiny")])
def test_so_does_every_verb_that_takes_a_run(gentle, capsys, arguments):
    assert command(arguments[0], gentle, *arguments[1:]) == 2
    assert WANTED.format("which is not installed") in capsys.readouterr().err


def test_another_version_is_told_from_none(gentle, tmp_path, monkeypatch):
    put(tmp_path / "site", "0.4", name="renamed")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(RecipeError) as caught:
        albefkit.load(gentle)
    assert WANTED.format("and 0.4 is installed") in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", '{"components": [3]}'])
def test_without_its_memory_the_error_is_the_usual_one(gentle, tmp_path, text):
    run = shutil.copytree(gentle, tmp_path / "run")
    (run / "manifest.json").write_text(text)
    with pytest.raises(RecipeError, match=r"there is no schedule 'gentle'") as caught:
        albefkit.load(run)
    assert "available: constant" in str(caught.value)
