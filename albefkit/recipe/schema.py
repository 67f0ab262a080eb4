"""The JSON schema of a recipe, for editors: what may stand where, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from albefkit.recipe.dump import plain
from albefkit.recipe.grammar import RecipeSettings
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
from albefkit.recipe.signature import Parameter, component_parameters, section_parameters
from albefkit.registry.catalogue import Entry, base_class, entries, load, shown_name, summary
from albefkit.registry.docstring import summary_line
from albefkit.registry.errors import ComponentError

Schema = dict[str, Any]

EXTENDS: Schema = {
    "description": "a recipe, or a list of recipes, that this one builds on",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
}


def schema() -> Schema:
    """The schema of recipes with the components of all installed distributions.

    Nothing is required in it, because a recipe may extend another. A component that cannot be
    loaded is known by its name only.
    """
    return _Writer().recipe()


class _Writer:
    """Writes each component once, under `$defs`."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def recipe(self) -> Schema:
        settings = self.section(RecipeSettings)
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "albefkit recipe",
            **settings,
            "properties": {"extends": EXTENDS} | settings["properties"],
            "$defs": self.definitions,
        }

    def of(self, shape: Shape) -> Schema:
        match shape:
            case Leaf(annotation):
                return self.leaf(annotation)
            case OptionalShape(inner):
                return _either([self.of(inner), {"type": "null"}])
            case EitherShape(inner, leaf):
                return _either([self.of(inner), self.of(leaf)])
            case ComponentShape(kind):
                return self.kind(kind)
            case SectionShape(section):
                return self.section(section)
            case ListShape(item):
                return {"type": "array", "items": self.of(item)}
            case MapShape(item):
                return {"type": "object", "additionalProperties": self.of(item)}
            case NamedShape(kind, line):
                return self.named(kind, line)

    def leaf(self, annotation: Any) -> Schema:
        try:
            found = TypeAdapter(annotation).json_schema(ref_template="#/$defs/{model}")
        except (PydanticSchemaGenerationError, PydanticUserError, TypeError):
            return {}
        self.definitions |= cast("dict[str, Schema]", found.pop("$defs", {}))
        return {key: each for key, each in found.items() if key != "title"}

    def section(self, section: type) -> Schema:
        return {
            "type": "object",
            "description": summary_line(section.__doc__ or ""),
            "properties": self.properties(section_parameters(section)),
            "additionalProperties": False,
        }

    def properties(self, parameters: Mapping[str, Parameter]) -> dict[str, Schema]:
        return {name: self.parameter(each) for name, each in parameters.items()}

    def parameter(self, parameter: Parameter) -> Schema:
        found: Schema = dict(self.of(parameter.shape))
        if "$ref" in found:
            found = {"allOf": [dict(found)]}
        if parameter.meaning:
            found["description"] = parameter.meaning
        if not parameter.required:
            found["default"] = plain(parameter.plain_default)
        return found

    def kind(self, kind: str) -> Schema:
        """Any component of a kind: its name, or a mapping; written on first use."""
        if kind not in self.definitions:
            self.definitions[kind] = {}  # components may nest their own kind
            choices: list[Schema] = [
                {"const": shown_name(entry), "description": summary(entry) or entry.provider}
                for entry in entries(kind)
            ]
            choices += [self.component(entry) for entry in entries(kind)]
            choices += [{"type": "string", "pattern": _FILE}, _FILE_MAPPING]
            if self.shorthand(kind):
                choices.append({"type": "number"})
            self.definitions[kind] = _either(choices)
        return _reference(kind)

    def shorthand(self, kind: str) -> str | None:
        try:
            return base_class(kind).shorthand
        except ComponentError:
            return None

    def component(self, entry: Entry, line: type | None = None) -> Schema:
        """The mapping of one component, with the fields of `line` besides its own."""
        name = f"{entry.kind}.{shown_name(entry)}" + (".line" if line else "")
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.mapping(entry, line)
        return _reference(name)

    def mapping(self, entry: Entry, line: type | None) -> Schema:
        properties: dict[str, Schema] = {"type": {"const": shown_name(entry)}}
        found: Schema = {"type": "object", "description": summary(entry) or entry.provider}
        try:
            properties |= self.properties(component_parameters(load(entry)))
        except ComponentError as error:
            problem = error.problems[0].message
            return found | {"description": problem, "properties": properties}
        if line is not None:
            own = section_parameters(line)
            properties |= self.properties({n: own[n] for n in own if n != "component"})
        return found | {"properties": properties, "additionalProperties": False}

    def named(self, kind: str, line: type | None) -> Schema:
        """Components by name: a known name needs no `type`, which another type overrules."""
        known = {shown_name(entry): self.component(entry, line) for entry in entries(kind)}
        some = f"{kind}.any"
        self.definitions[some] = _either([*known.values(), _FILE_MAPPING])
        other: list[Schema] = [{"type": "string"}, {"type": "null"}]
        typed: Schema = {"allOf": [_reference(some), {"required": ["type"]}]}
        return {
            "type": "object",
            "properties": {n: _either([each, typed, *other]) for n, each in known.items()},
            "additionalProperties": _either([_reference(some), *other]),
        }


_FILE = r"\.py:"

_FILE_MAPPING: Schema = {
    "type": "object",
    "properties": {"type": {"type": "string", "pattern": _FILE}},
    "required": ["type"],
}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _either(choices: list[Schema]) -> Schema:
    return {"anyOf": choices}
