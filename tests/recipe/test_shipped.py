"""Every shipped recipe is right, says everything when resolved, and fits the schema."""

from __future__ import annotations

import json

import pytest

from albefkit.recipe.library import find_recipe, shipped, shipped_folder
from albefkit.recipe.load import load_recipe
from albefkit.recipe.schema import schema
from albefkit.recipe.source import parse, read_file
from tests.recipe.plugins import require_plugins
from tests.recipe.test_schema import fits


@pytest.fixture(scope="module")
def written():
    return json.loads(json.dumps(schema()))


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_recipe(name, written, tmp_path):
    require_plugins(name)
    recipe = load_recipe(name)
    (tmp_path / "resolved.yaml").write_text(recipe.to_yaml())
    again = load_recipe(tmp_path / "resolved.yaml")
    assert again.hash == recipe.hash and again.settings == recipe.settings
    text, node = read_file(find_recipe(name))
    assert text.startswith("# yaml-language-server: $schema=")
    assert fits(node.python(), written, written)
    assert fits(parse(recipe.to_yaml(), name, tmp_path).python(), written, written)


def test_the_shipped_schema_is_what_the_command_writes_without_plugins(monkeypatch):
    monkeypatch.setenv("ALBEFKIT_PLUGINS", "none")
    built_in = json.loads(json.dumps(schema()))
    shipped_schema = json.loads((shipped_folder() / "recipe.schema.json").read_text())
    command = "ALBEFKIT_PLUGINS=none albefkit schema --out recipes/recipe.schema.json"
    assert shipped_schema == built_in, command


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ("albef_tiny", "itc"),
        ("albef_tiny", "mod"),
        ("albef_tiny", "hard-negatives"),
        ("albef_base", "queue"),
    ],
)
def test_ideas_can_be_dropped_from_a_shipped_recipe(recipe, name):
    assert load_recipe(recipe, drops=[name]).hash != load_recipe(recipe).hash
