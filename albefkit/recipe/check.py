"""A recipe's tree against the grammar and its components' constructors; all problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from albefkit.recipe.dump import plain
from albefkit.recipe.grammar import RecipeSettings
from albefkit.recipe.layers import merge
from albefkit.recipe.leaf import allows_none, check_leaf
from albefkit.recipe.messages import available, location_of, parameter_words, shape_words
from albefkit.recipe.place import Place, dotted
from albefkit.recipe.shapes import (
    ComponentShape,
    EitherShape,
    Leaf,
    ListShape,
    MapShape,
    NamedShape,
    OptionalShape,
    SectionShape,
    Shape,
)
from albefkit.recipe.signature import (
    Parameter,
    component_parameters,
    neighbours,
    section_parameters,
)
from albefkit.recipe.source import Node, from_python
from albefkit.recipe.spec import ComponentSpec
from albefkit.recipe.words import a, value_words
from albefkit.registry import Registrable
from albefkit.registry.catalogue import base_class, by_kind, find, load
from albefkit.registry.errors import ComponentError, Problem, RecipeError
from albefkit.registry.names import nearest
from albefkit.registry.unseen import why_unseen


def check(tree: Node) -> RecipeSettings:
    """A recipe's tree as typed settings.

    Raises:
        RecipeError: with every problem, each at its place.
    """
    checker = _Checker()
    settings = checker.section(RecipeSettings, tree, "")
    if checker.problems:
        raise RecipeError(checker.problems) from checker.cause
    assert isinstance(settings, RecipeSettings)
    return settings


class _Checker:
    """Walks a tree and collects what is wrong; a value that is wrong becomes None."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.cause: Exception | None = None

    def wrong(self, place: Place, path: str, message: str, hint: str | None = None) -> None:
        self.problems.append(place.problem(path, message, hint))

    def value(self, shape: Shape, node: Node, path: str, fallback: Any = None) -> Any:
        match shape:
            case Leaf(annotation):
                value, problems = check_leaf(annotation, node, path)
                self.problems += problems
                return value
            case OptionalShape(inner):
                return None if node.value is None else self.value(inner, node, path, fallback)
            case EitherShape(inner, leaf):
                return self.either(inner, leaf, node, path, fallback)
            case ComponentShape():
                return self.component(shape, node, path, fallback)
            case SectionShape(section):
                return self.section(section, node, path)
            case ListShape(item, frozen):
                items = [
                    self.value(item, each, dotted(path, index))
                    for index, each in enumerate(self.items(node, path))
                ]
                return tuple(items) if frozen else items
            case MapShape(item):
                entries = self.entries(node, path, "a mapping of names").items()
                return {key: self.value(item, each, dotted(path, key)) for key, each in entries}
            case NamedShape(kind, line):
                entries = self.entries(node, path, f"a mapping from names to {kind}s")
                return self.named(kind, line, entries, path)

    def items(self, node: Node, path: str) -> list[Node]:
        if isinstance(node.value, list):
            return node.value
        self.wrong(node.place, path, f"expected a list, got {value_words(node.python())}")
        return []

    def entries(self, node: Node, path: str, expected: str) -> dict[str, Node]:
        if node.mapping is not None:
            return node.mapping
        if node.value is not None:
            self.wrong(node.place, path, f"expected {expected}, got {value_words(node.python())}")
        return {}

    def either(self, inner: Shape, leaf: Leaf, node: Node, path: str, fallback: Any) -> Any:
        value, problems = check_leaf(leaf.annotation, node, path)
        return self.value(inner, node, path, fallback) if problems else value

    def section(self, section: type, node: Node, path: str) -> Any:
        entries = self.entries(node, path, "a mapping")
        label = f"'{path}'" if path else "a recipe"
        values = self.fields(section_parameters(section), entries, node, path, label, None)
        return section(**values)

    def named(
        self, kind: str, line: type | None, entries: Mapping[str, Node], path: str
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, node in entries.items():
            where = dotted(path, key)
            if node.value is None:
                message = "there is nothing to take away"
                self.wrong(node.at, where, message, f"write '{key}: {{}}' to have it")
            elif line is None:
                found[key] = self.by_key(kind, key, node, where)
            else:
                found[key] = self.line(kind, line, key, node, where)
        return found

    def line(self, kind: str, line: type, key: str, node: Node, path: str) -> Any:
        own = {n: p for n, p in section_parameters(line).items() if n != "component"}
        entries = node.mapping or {}
        said = {name: each for name, each in entries.items() if name in own}
        rest = {name: each for name, each in entries.items() if name not in own}
        values = self.fields(own, said, node, path, f"'{key}'", None)
        bare = replace(node, value=rest) if node.mapping is not None else node
        return line(component=self.by_key(kind, key, bare, path), **values)

    def by_key(self, kind: str, key: str, node: Node, path: str) -> Any:
        """A component whose key is its type unless it says another."""
        before = len(self.problems)
        component = self.component(ComponentShape(kind), node, path, {"type": key})
        said = node.mapping is None or "type" in node.mapping
        own = key not in by_kind(kind) and not why_unseen(kind, key)
        if component is None and not said and own:
            advice = f"a name of your own needs a type: '{key}: {{type: ...}}'"
            self.problems[before:] = [
                replace(each, hint=f"{each.hint}\n{advice}") for each in self.problems[before:]
            ]
        return component

    def component(self, shape: ComponentShape, node: Node, path: str, fallback: Any) -> Any:
        said = self.normal(shape.kind, node, path)
        if said is None:
            return None
        silent = "type" not in (said.mapping or {})
        if fallback is not None:
            under = self.normal(shape.kind, from_python(fallback, node.at), path)
            said = said if under is None else merge(under, said, tuple(path.split(".")))
        entries = dict(said.mapping or {})
        kind_node = entries.pop("type", None)
        if kind_node is None or not isinstance(kind_node.value, str):
            place = kind_node.place if kind_node else node.place
            path = dotted(path, "type") if kind_node else path
            message = f"expected the type of {a(shape.kind)}"
            self.wrong(place, path, message, available(shape.kind))
            return None
        where = dotted(path, "type") if kind_node.key else path
        component = self.find(shape, kind_node, where, node.at if silent else kind_node.place)
        if component is None:
            return None
        spec, cls = component
        label = f"'{kind_node.value}'"
        for name in [name for name in neighbours(cls) if name in entries]:
            message = f"'{name}' of {label} is wired by albefkit, a recipe does not say it"
            self.wrong(entries.pop(name).at, dotted(path, name), message)
        values = self.fields(component_parameters(cls), entries, said, path, label, cls)
        return replace(spec, params=values, place=node.place, path=path)

    def normal(self, kind: str, node: Node, path: str) -> Node | None:
        """A component's name, or a bare number, as the mapping it stands for."""
        if node.mapping is not None:
            return node
        if isinstance(node.value, str):
            return replace(node, value={"type": replace(node, key=None)})
        shorthand = self.shorthand(kind) if _is_number(node.value) else None
        if shorthand:
            name, _, parameter = shorthand.partition(".")
            return replace(node, value={"type": from_python(name, node.place), parameter: node})
        message = f"expected {a(kind)}, got {value_words(node.python())}"
        self.wrong(node.place, path, message, available(kind))
        return None

    def shorthand(self, kind: str) -> str | None:
        try:
            return base_class(kind).shorthand
        except ComponentError as error:
            self.cause = self.cause or error
            return None

    def find(
        self, shape: ComponentShape, node: Node, path: str, place: Place
    ) -> tuple[ComponentSpec, type[Registrable]] | None:
        name = str(node.value)
        try:
            entry = find(shape.kind, name, folder=place.folder)
            cls = load(entry)
            component_parameters(cls)
        except ComponentError as error:
            self.cause = self.cause or error
            self.problems += [place.problem(path, p.message, p.hint) for p in error.problems]
            return None
        if shape.bound is not None and not issubclass(cls, shape.bound):
            message = f"expected a {shape.bound.__name__}, got {shape.kind} '{name}'"
            self.wrong(place, path, message)
            return None
        said = entry.name if entry.file else name
        return ComponentSpec(shape.kind, said, {}, place, entry, path), cls

    def fields(
        self,
        parameters: Mapping[str, Parameter],
        entries: Mapping[str, Node],
        node: Node,
        path: str,
        label: str,
        owner: type | None,
    ) -> dict[str, Any]:
        """The values of all parameters: what the recipe says, else the defaults."""
        for name in entries:
            if name not in parameters:
                self.unknown(name, entries[name], parameters, path, label, owner)
        values: dict[str, Any] = {}
        for name, parameter in parameters.items():
            said = entries.get(name)
            where = dotted(path, name)
            if said is not None and (said.value is not None or allows_none(parameter.annotation)):
                values[name] = self.value(parameter.shape, said, where, parameter.plain_default)
            elif parameter.required:
                values[name] = self.missing(parameter, said or node, where, label)
            else:
                values[name] = self.default(parameter, node, where)
        return values

    def default(self, parameter: Parameter, node: Node, path: str) -> Any:
        """The default, checked like anything said: what is resolved must read back the same."""
        value = plain(parameter.plain_default)
        if value is None:
            return None
        return self.value(parameter.shape, from_python(value, node.at), path)

    def missing(self, parameter: Parameter, node: Node, path: str, label: str) -> None:
        message = f"{label} needs '{parameter.name}' ({shape_words(parameter)})"
        message += f": {parameter.meaning}" if parameter.meaning else ""
        self.wrong(node.at, path, message)

    def unknown(
        self,
        name: str,
        node: Node,
        parameters: Mapping[str, Parameter],
        path: str,
        label: str,
        owner: type | None,
    ) -> None:
        message = f"{label} takes no '{name}'."
        near = nearest(name, parameters)
        if near is not None:
            message += f" Did you mean '{near}' ({parameter_words(parameters[near])})?"
        takes = f"it takes: {', '.join(parameters)}" if parameters else "it takes nothing"
        message += f"   {location_of(owner)}" if owner else ""
        self.wrong(node.at, dotted(path, name), message, None if near else takes)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
