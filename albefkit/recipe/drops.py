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

    Where what is dropped was the last to train something that an ablation names (`without`), that
    ablation follows.

    Raises:
        RecipeError: nothing in the recipe goes by this name.
    """
    place = Place("command line", f"--drop {name}")
    settings = check(tree)
    ablations = declared(settings)
    if name in settings.objectives:
        dropped = merge(tree, at_path(["objectives", name], Node(None, place), place))
        return _with_consequences(dropped, settings, place)
    found = [(spec, ablation) for each, spec, ablation in ablations if each == name]
    if not found:
        known = list(dict.fromkeys(droppable(settings)))
        message = f"there is nothing to drop by this name.{did_you_mean(name, known)}"
        hint = f"can be dropped: {', '.join(known)}" if known else None
        raise RecipeError(place.problem("", message, hint))
    for spec, ablation in found:
        tree = _edited(tree, spec, ablation, place)
    return tree


def droppable(settings: RecipeSettings) -> dict[str, str]:
    """What can be dropped from a recipe -> what is then missing: objectives, then ablations."""
    objectives = {name: f"no objective '{name}'" for name in settings.objectives}
    return objectives | {name: ablation.meaning for name, _, ablation in declared(settings)}


def declared(settings: RecipeSettings) -> list[tuple[str, ComponentSpec, Ablation]]:
    """The ablations that the components of a recipe declare and that would change it: name,
    component, edits.
    """
    specs = components(settings)
    said: dict[str, object] = {
        _path(spec, name): value for spec in specs for name, value in spec.params.items()
    }
    said |= {spec.path: spec.name for spec in specs}
    return [
        (name, spec, ablation)
        for spec in specs
        for name, ablation in load(spec.entry).ablations.items()
        if any(said.get(_path(spec, path), ...) != value for path, value in ablation.edits.items())
    ]


def _with_consequences(tree: Node, before: RecipeSettings, place: Place) -> Node:
    after = check(tree)
    lost = _trained(before) - _trained(after)
    for _, spec, ablation in declared(after):
        if ablation.without in lost:
            tree = _edited(tree, spec, ablation, place)
    return tree


def _trained(settings: RecipeSettings) -> frozenset[str]:
    trained: set[str] = set()
    for line in settings.objectives.values():
        trained |= getattr(load(line.component.entry), "trains", frozenset[str]())
    return frozenset(trained)


def _edited(tree: Node, spec: ComponentSpec, ablation: Ablation, place: Place) -> Node:
    for path, value in ablation.edits.items():
        keys = _path(spec, path).split(".")
        tree = merge(tree, at_path(keys, from_python(value, place), place))
    return tree


def _path(spec: ComponentSpec, path: str) -> str:
    return f"{spec.path}.{path}".rstrip(".")


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
