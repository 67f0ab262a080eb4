"""Everything a recipe may say, from the grammar that checks it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from albefkit.docs.markdown import code, prose, table
from albefkit.docs.pages import Page, link
from albefkit.docs.paths import kind_path
from albefkit.recipe.grammar import RecipeSettings
from albefkit.recipe.layers import EXTENDS
from albefkit.recipe.place import dotted
from albefkit.recipe.schema import EXTENDS as EXTENDS_SCHEMA
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
from albefkit.recipe.signature import Parameter, section_parameters
from albefkit.recipe.words import a, default_words, either, type_words
from albefkit.registry.docstring import summary_line

PATH = "recipe.md"
NAME = "NAME"
"""Stands for the name of an objective or evaluator."""

LIMITS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
INTRO = """A recipe is a page of YAML. Wherever one of the components below is asked for, stands its
name, or a mapping with its `type` and what else it may be told; a type may also be
`path/to/file.py:Class`. Where a key has a default, a recipe need not say it."""


def reference_page() -> Page:
    """Every section and key, with type, default and meaning."""
    parts = ["# What a recipe says", INTRO, *_section("", RecipeSettings)]
    return Page(PATH, "Reference", "\n\n".join(parts) + "\n")


def _section(path: str, section: type) -> Iterator[str]:
    """A section's own text and table, then those of the sections in it."""
    parameters = {n: p for n, p in section_parameters(section).items() if n != "component"}
    if path:
        yield f"## {code(path)}"
        yield prose(summary_line(section.__doc__ or ""))
    rows = [_row(dotted(path, name), each) for name, each in parameters.items()]
    if not path:
        meaning = EXTENDS_SCHEMA["description"]
        rows.insert(0, (code(EXTENDS), "text or a list of text", code("null"), f"{meaning}."))
    yield table(("key", "type", "default", "meaning"), rows)
    for name, each in parameters.items():
        for inner, found in _inner(dotted(path, name), each.shape):
            yield from _section(inner, found)


def _row(path: str, parameter: Parameter) -> tuple[str, str, str, str]:
    shape = parameter.shape
    if parameter.required:
        default = "required"
    elif isinstance(shape, SectionShape):
        default = "its defaults"
    else:
        default = code(default_words(parameter.plain_default))
    name = path.rpartition(".")[2]
    return code(name), _words(shape, path), default, prose(parameter.meaning)


def _inner(path: str, shape: Shape) -> list[tuple[str, type]]:
    """The sections that a key holds, with their paths."""
    match shape:
        case SectionShape(section):
            return [(path, section)]
        case NamedShape(line=line) if line is not None:
            return [(f"{path}.{NAME}", line)]
        case OptionalShape(inner) | EitherShape(structured=inner):
            return _inner(path, inner)
        case _:
            return []


def _words(shape: Shape, path: str) -> str:
    """What a key takes, with references to where that is explained."""
    match shape:
        case Leaf(annotation):
            return prose(typed(annotation))
        case OptionalShape(inner):
            return f"{_words(inner, path)} or null"
        case EitherShape(inner, leaf):
            return f"{_words(inner, path)} or {_words(leaf, path)}"
        case ComponentShape(kind):
            return link(a(kind), kind_path(kind), PATH)
        case SectionShape():
            return f"[a section]({_anchor(path)})"
        case ListShape(item):
            return f"a list of: {_words(item, path)}"
        case MapShape(item):
            return f"a mapping to: {_words(item, path)}"
        case NamedShape(kind, line):
            more = "" if line is None else f" with [more]({_anchor(f'{path}.{NAME}')})"
            return f"a mapping from {NAME} to {link(a(kind), kind_path(kind), PATH)}{more}"


def _anchor(path: str) -> str:
    """Where the heading of a section is, as mkdocs names it."""
    return f"#{path.replace('.', '').lower()}"


def typed(annotation: Any) -> str:
    """An annotation in words, its limits included: `int > 0 or null`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        limits = " and ".join(_limits(arguments[1:]))
        return f"{typed(arguments[0])} {limits}".rstrip()
    if origin in (Union, types.UnionType):
        return either([typed(arm) for arm in arguments])
    if origin is tuple and arguments[1:] != (...,):
        return f"[{', '.join(typed(each) for each in arguments)}]"
    return type_words(annotation)


def _limits(marks: tuple[Any, ...]) -> Iterator[str]:
    limits = [limit for mark in marks if isinstance(mark, FieldInfo) for limit in mark.metadata]
    for name, sign in LIMITS.items():
        yield from (f"{sign} {getattr(limit, name)}" for limit in limits if hasattr(limit, name))
