"""Plain values, checked by pydantic and refused in our words."""

from __future__ import annotations

import json
import types
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from albefkit.recipe.place import dotted
from albefkit.recipe.source import Node
from albefkit.recipe.words import type_words, value_words
from albefkit.registry.errors import Problem
from albefkit.registry.names import did_you_mean

_SWITCHES = {"yes": True, "on": True, "no": False, "off": False}


def check_leaf(annotation: Any, node: Node, path: str) -> tuple[Any, list[Problem]]:
    """The value of `node` as `annotation` wants it, or what is wrong with it."""
    try:
        adapter = _adapter(annotation)
    except (PydanticSchemaGenerationError, PydanticUserError):
        message = f"its type, {type_words(annotation)}, is nothing that a recipe can say"
        return None, [node.place.problem(path, message)]
    errors: list[Any] = []
    for attempt in (node, _with_switches(node)):
        try:
            text = json.dumps(attempt.python())
            return adapter.validate_json(text, strict=True), []
        except ValidationError as error:
            errors = errors or cast("list[Any]", error.errors(include_url=False))
        except (ValueError, TypeError) as error:
            message = f"this is nothing that a recipe can say: {error}"
            return None, [node.place.problem(path, message)]
    return None, _problems(annotation, node, path, errors)


@lru_cache(maxsize=1024)
def _cached(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return _cached(annotation)
    except TypeError:  # an annotation that cannot be hashed
        return TypeAdapter(annotation)


def _with_switches(node: Node) -> Node:
    """The same with unquoted yes, no, on and off as truth values."""
    if isinstance(node.value, dict):
        entries = {key: _with_switches(each) for key, each in node.value.items()}
        return replace(node, value=entries)
    if isinstance(node.value, list):
        return replace(node, value=[_with_switches(each) for each in node.value])
    if node.plain and isinstance(node.value, str) and node.value.lower() in _SWITCHES:
        return replace(node, value=_SWITCHES[node.value.lower()])
    return node


def _problems(annotation: Any, node: Node, path: str, errors: list[Any]) -> list[Problem]:
    """One problem for each part that is wrong; for a choice of types, one for all of them."""
    inner = [(_descend(node, path, error["loc"]), error) for error in errors]
    (first, _), _ = inner[0]
    if len(inner) > 1 and _is_union(annotation) and first is node:
        return [_expected(annotation, node, path)]
    found: dict[str, Problem] = {}
    for (part, where), error in inner:
        if part is node or error["type"] == "missing":
            problem = _top(annotation, node, path, error)
        else:
            words = _pydantic_words(error)
            problem = part.place.problem(where, f"{words}, got {value_words(part.python())}")
        found.setdefault(problem.path, problem)
    return list(found.values())


def _top(annotation: Any, node: Node, path: str, error: Any) -> Problem:
    simple = ("_type", "_parsing", "missing", "too_long", "too_short", "literal_error")
    if error["type"].endswith(simple) or not error["msg"].startswith("Input should be "):
        return _expected(annotation, node, path)
    words = _pydantic_words(error)
    return node.place.problem(path, f"{words}, got {value_words(node.python())}")


def _expected(annotation: Any, node: Node, path: str) -> Problem:
    message = f"expected {type_words(annotation)}, got {value_words(node.python())}"
    if isinstance(node.value, str):
        message += did_you_mean(node.value, _choices(annotation)).replace(" Did", ". Did", 1)
    return node.place.problem(path, message)


def _pydantic_words(error: Any) -> str:
    words = str(error["msg"]).replace("Input should be ", "expected ")
    return words.replace("a valid integer", "an integer").replace("a valid ", "a ")


def _descend(node: Node, path: str, location: Sequence[Any]) -> tuple[Node, str]:
    """The part of `node` that a pydantic location means, as far as it is really there."""
    for step in location:
        value, part = node.value, None
        if isinstance(value, dict):
            part = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            part = value[step]
        if part is not None:
            node, path = part, dotted(path, step)
    return node, path


def _is_union(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_union(get_args(annotation)[0])
    return get_origin(annotation) in (Union, types.UnionType)


def _choices(annotation: Any) -> list[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return [each for each in arguments if isinstance(each, str)]
    if origin is Annotated or _is_union(annotation):
        return [choice for each in arguments for choice in _choices(each)]
    return []


def allows_none(annotation: Any) -> bool:
    """Whether null is a value of this type, rather than `as if not said`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in (Any, None, types.NoneType):
        return True
    if origin is Annotated:
        return allows_none(arguments[0])
    if origin is Literal:
        return None in arguments
    return _is_union(annotation) and any(allows_none(each) for each in arguments)
