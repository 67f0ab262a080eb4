"""The entry points in pyproject.toml are the component classes in the tree, both ways."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tomllib
from pathlib import Path

import albefkit
from albefkit.registry import Registrable
from albefkit.registry.kinds import KINDS, group
from albefkit.registry.loading import base_class
from albefkit.registry.source import describe

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def declared() -> dict[str, dict[str, str]]:
    points = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]
    return {kind: points.get(group(kind), {}) for kind in KINDS}


def classes() -> dict[str, set[str]]:
    """The public component classes in the tree: concrete, and nobody's base among us."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    bases = {base_class(kind) for kind in KINDS}
    for module in pkgutil.walk_packages(albefkit.__path__, "albefkit."):
        if module.name.endswith("__main__"):
            continue
        for name, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            ours = each.__module__ == module.name and issubclass(each, Registrable)
            if ours and each not in (Registrable, *bases) and not _unfinished(name, each):
                found[each.kind].add(f"{module.name}:{name}")
    return found


def _unfinished(name: str, each: type) -> bool:
    return name.startswith("_") or inspect.isabstract(each)


def test_every_group_is_of_a_kind():
    points = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]
    assert set(points) == {group(kind) for kind in KINDS}


def test_entry_points_are_the_classes_in_the_tree():
    assert {kind: set(named.values()) for kind, named in declared().items()} == classes()


def test_every_component_says_what_it_is_and_what_its_parameters_mean():
    from albefkit.recipe.signature import component_parameters
    from albefkit.registry.catalogue import entries, load

    silent: list[str] = []
    for entry in entries():
        if not entry.built_in:
            continue
        about = describe(entry)
        assert about is not None and about.summary.endswith((".", "?")), entry
        parameters = component_parameters(load(entry))
        assert {each.name for each in about.parameters} == set(parameters), entry
        assert set(about.ablations) == set(load(entry).ablations), entry
        for each in about.parameters:
            assert each.meaning == parameters[each.name].meaning
            if not each.meaning:
                silent.append(f"{entry.kind} {entry.name}: {each.name}")
    assert silent == []
