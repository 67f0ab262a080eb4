"""Recipes are found by path, or by bare name where albefkit ships them."""

from __future__ import annotations

from pathlib import Path

import pytest

from albefkit.recipe import library
from albefkit.registry.errors import RecipeError


@pytest.fixture
def shelf(tmp_path, monkeypatch, folder):
    shelf = tmp_path / "shelf"
    (shelf / "ablations").mkdir(parents=True)
    for name in ("albef_tiny.yaml", "ablations/no_mod.yaml"):
        (shelf / name).write_text("x: 1\n")
    monkeypatch.setattr(library, "shipped_folder", lambda: shelf)
    return shelf


def test_paths_and_bare_names(shelf):
    assert library.shipped() == ["ablations/no_mod", "albef_tiny"]
    assert library.find_recipe("albef_tiny") == shelf / "albef_tiny.yaml"
    assert library.find_recipe("albef_tiny.yaml") == shelf / "albef_tiny.yaml"
    assert library.find_recipe("ablations/no_mod") == shelf / "ablations" / "no_mod.yaml"
    Path("albef_tiny.yaml").write_text("mine: 1\n")
    assert library.find_recipe("albef_tiny.yaml") == Path("albef_tiny.yaml").resolve()


@pytest.mark.parametrize("name", ["albef_tniy", "recipes/albef_tniy.yaml"])
def test_unknown_names_offer_what_there_is(shelf, name):
    with pytest.raises(RecipeError) as caught:
        library.find_recipe(name)
    assert str(caught.value) == (
        f"there is no recipe '{name}'. Did you mean 'albef_tiny'?\n"
        "shipped: ablations/no_mod, albef_tiny"
    )


@pytest.mark.parametrize("name", ["", "\0", "~nobody/x", "x" * 5000, "/"])
def test_names_that_are_no_files(shelf, name):
    with pytest.raises(RecipeError):
        from albefkit.recipe.load import load_recipe

        load_recipe(name)


def test_shown_paths_are_short_below_the_working_directory(folder):
    assert library.shown(folder / "a" / "b.yaml") == "a/b.yaml"
    assert library.shown(Path("/elsewhere/b.yaml")) == "/elsewhere/b.yaml"


def test_the_checkout_ships_its_recipes():
    assert {"albef_base", "albef_tiny"} <= set(library.shipped())
