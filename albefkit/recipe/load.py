"""From the name of a recipe to checked settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from albefkit.recipe.check import check
from albefkit.recipe.drops import components, drop
from albefkit.recipe.dump import plain, to_yaml, tree_hash
from albefkit.recipe.grammar import RecipeSettings
from albefkit.recipe.layers import edits, merge, read_layers
from albefkit.recipe.library import find_recipe, shown
from albefkit.recipe.place import Place
from albefkit.recipe.providers import with_providers
from albefkit.recipe.source import Node, from_python
from albefkit.recipe.spec import ComponentSpec
from albefkit.registry.errors import RecipeError


@dataclass(frozen=True)
class Recipe:
    """A checked recipe.

    Args:
        name: the file's name without suffix.
        source: the file.
        given: the text of the file.
        settings: what it says, typed, with all defaults.
        resolved: the same as a recipe would write it; reading it again gives the same recipe.
        hash: a digest of `resolved`.
    """

    name: str
    source: Path
    given: str = field(repr=False)
    settings: RecipeSettings
    resolved: dict[str, Any] = field(repr=False)
    hash: str

    def components(self) -> list[ComponentSpec]:
        """Every component that the recipe asks for, nested ones after their owners."""
        return components(self.settings)

    def to_yaml(self) -> str:
        """The resolved recipe as a file of its own."""
        return to_yaml(self.resolved)


def load_recipe(
    name_or_path: str | Path, *, sets: Sequence[str] = (), drops: Sequence[str] = ()
) -> Recipe:
    """Find a recipe, lay it on what it extends, edit it and check it.

    Args:
        name_or_path: a file, or the bare name of a shipped recipe.
        sets: `path=value` edits; values are YAML.
        drops: names of objectives, or of ablations that its components declare.

    Raises:
        RecipeError: with every problem, each at its place.
    """
    path = find_recipe(str(name_or_path))
    text, tree = read_layers(path)
    return _checked(path, text, tree, sets, drops)


def recipe_from(resolved: Mapping[str, Any], source: Path, sets: Sequence[str] = ()) -> Recipe:
    """Check a recipe that was kept as plain values.

    Args:
        resolved: as `Recipe.resolved`.
        source: the file that it was kept in.
        sets: as for `load_recipe`.

    Raises:
        RecipeError: with every problem.
    """
    tree = from_python(resolved, Place(shown(source), folder=source.parent))
    return _checked(source, to_yaml(resolved), tree, sets, ())


def _checked(
    path: Path, text: str, tree: Node, sets: Sequence[str], drops: Sequence[str]
) -> Recipe:
    edited = edits(sets)
    tree = tree if edited is None else merge(tree, edited)
    try:
        for each in drops:
            tree = drop(tree, each)
        settings = check(tree)
    except RecipeError as error:
        raise with_providers(error, path) from error.__cause__
    resolved = resolve(settings)
    return Recipe(path.stem, path, text, settings, resolved, tree_hash(resolved))


def resolve(settings: RecipeSettings) -> dict[str, Any]:
    """Settings as a recipe would write them, every default said."""
    tree = {each.name: plain(getattr(settings, each.name)) for each in fields(settings)}
    tree["objectives"] = {
        name: line.component.plain() | {"weight": line.weight}
        for name, line in settings.objectives.items()
    }
    return tree
