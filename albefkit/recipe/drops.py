"""`--drop`: taking one idea out of a recipe by its name."""

from __future__ import annotations

from albefkit.recipe.check import check
from albefkit.recipe.grammar import RecipeSettings
from albefkit.recipe.layers import at_path, merge
from albefkit.recipe.place import Place
from albefkit.recipe.source import Node, from_python
from albefkit.recipe.spec import ComponentSpec, nested
from albefkit.registry.catalogue import load
from albefkit.registry.errors import RecipeError
from albefkit.registry.names import did_you_mean
from albefkit.registry.registrable import Ablation


def drop(tree: Node, name: str) -> Node:
    """A recipe's tree without an objective, or with the edits of an ablation.

    Raises:
        RecipeError: nothing in the recipe goes by this name.
    """
    place = Place("command line", f"--drop {name}")
    objectives = (tree.mapping or {}).get("objectives")
    if objectives is not None and name in (objectives.mapping or {}):
        return merge(tree, at_path(["objectives", name], Node(None, place), place))
    settings = check(tree)
    found = [(spec, ablation) for each, spec, ablation in declared(settings) if each == name]
    if not found:
        names = [*settings.objectives, *(each for each, _, _ in declared(settings))]
        known = list(dict.fromkeys(names))
        message = f"there is nothing to drop by this name.{did_you_mean(name, known)}"
        hint = f"can be dropped: {', '.join(known)}" if known else None
        raise RecipeError(place.problem("", message, hint))
    for spec, ablation in found:
        for path, value in ablation.edits.items():
            keys = [*spec.path.split("."), *(path.split(".") if path else [])]
            tree = merge(tree, at_path(keys, from_python(value, place), place))
    return tree


def declared(settings: RecipeSettings) -> list[tuple[str, ComponentSpec, Ablation]]:
    """The ablations that the components of a recipe declare: name, component, edits."""
    return [
        (name, spec, ablation)
        for spec in components(settings)
        for name, ablation in load(spec.entry).ablations.items()
    ]


def components(settings: RecipeSettings) -> list[ComponentSpec]:
    """Every component in a recipe's settings, nested ones after their owners."""
    model, lines = settings.model, settings.objectives.values()
    keys = settings.alignment.keys if settings.alignment else None
    return list(
        nested(
            [
                *(model.vision, model.text, model.fusion, keys, settings.teacher),
                *(line.component for line in lines),
                *(settings.data, settings.optimizer, dict(settings.evaluate)),
            ]
        )
    )
