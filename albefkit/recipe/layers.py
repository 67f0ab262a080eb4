"""Recipes on top of recipes: `extends`, `--set`, `--drop`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from albefkit.recipe.grammar import default_type, is_named
from albefkit.recipe.library import find_recipe, shown
from albefkit.recipe.place import Place
from albefkit.recipe.source import Node, parse, read_file
from albefkit.registry.errors import RecipeError

EXTENDS = "extends"


def read_layers(path: Path) -> tuple[str, Node]:
    """The text of a recipe file, and its tree on top of the recipes it extends.

    Raises:
        RecipeError: a file cannot be read, or recipes extend each other in a circle.
    """
    return _read(path, ())


def _read(path: Path, above: tuple[Path, ...]) -> tuple[str, Node]:
    text, node = read_file(path, shown(path))
    entries = dict(node.mapping or {})
    extends = entries.pop(EXTENDS, None)
    own = replace(node, value=entries)
    if extends is None or extends.value is None:
        return text, own
    layers: list[Node] = []
    for each in _names(extends):
        base = _find(each, path)
        if base in (*above, path):
            circle = " extends ".join(shown(file) for file in (*above, path, base))
            raise RecipeError(each.place.problem(EXTENDS, f"goes in a circle: {circle}"))
        layers.append(_read(base, (*above, path))[1])
    return text, merge_all([*layers, own])


def _names(node: Node) -> list[Node]:
    names = node.value if isinstance(node.value, list) else [node]
    for each in names:
        if not isinstance(each.value, str) or not each.value:
            message = "expected the name of a recipe, or a list of names"
            raise RecipeError(each.place.problem(EXTENDS, message))
    return names


def _find(node: Node, path: Path) -> Path:
    try:
        return find_recipe(str(node.value), path.parent)
    except RecipeError as error:
        problem = error.problems[0]
        raise RecipeError(node.place.problem(EXTENDS, problem.message, problem.hint)) from None


def merge_all(layers: Sequence[Node]) -> Node:
    """Layers on top of each other, the last on top."""
    result = layers[0]
    for layer in layers[1:]:
        result = merge(result, layer)
    return result


def merge(base: Node, over: Node, path: tuple[str, ...] = ()) -> Node:
    """`over` on top of `base`.

    Mappings are merged, lists and scalars replaced; a changed `type` replaces its block; null
    takes a named component away.
    """
    lower, upper = base.mapping, over.mapping
    if upper is None:
        return over
    if isinstance(base.value, str) and "type" not in upper and path:
        lower = {"type": base}
    if lower is None or _type_changes(lower, upper, path):
        return over
    merged = dict(lower)
    for key, node in upper.items():
        if key in lower and node.value is None and is_named(path):
            del merged[key]
        else:
            merged[key] = merge(lower[key], node, (*path, key)) if key in lower else node
    return replace(over, value=merged)


def _type_changes(lower: dict[str, Node], upper: dict[str, Node], path: tuple[str, ...]) -> bool:
    if "type" not in upper:
        return False
    before = lower["type"].value if "type" in lower else default_type(path)
    return before is not None and before != upper["type"].value


def edits(arguments: Sequence[str]) -> Node | None:
    """All `--set path=value` as one layer, or None; their order among each other does not matter.

    Raises:
        RecipeError: an argument is not `path=value`, or its value is not YAML.
    """
    layers = [_edit(argument) for argument in arguments]
    return merge_all(layers) if layers else None


def _edit(argument: str) -> Node:
    path, equals, text = argument.partition("=")
    keys = path.strip().split(".")
    place = Place("command line", f"--set {argument}", path.strip(), Path())
    if not equals or not all(keys):
        message = f"expected path=value, got '{argument}'"
        raise RecipeError(place.problem("", message, "as in --set train.epochs=3"))
    if EXTENDS in keys[:1]:
        raise RecipeError(place.problem("", "a recipe extends others in its file only"))
    return at_path(keys, parse(text, "command line", Path(), place=place), place)


def at_path(keys: Sequence[str], node: Node, place: Place) -> Node:
    """A layer that says nothing but `node`, at the path `keys`."""
    for key in reversed(keys):
        node = Node({key: replace(node, key=place)}, place)
    return node
