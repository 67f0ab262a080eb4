"""What a type annotation asks of a recipe: plain values, components, sections, or many of them."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any, Union, cast, get_args, get_origin

from albefkit.registry import Registrable


@dataclass(frozen=True)
class OfKind:
    """Marks an annotation in the grammar: a component of this kind."""

    kind: str


@dataclass(frozen=True)
class Named:
    """Marks a mapping in the grammar: a key is a name, and the default type of its component."""

    kind: str


@dataclass(frozen=True)
class Leaf:
    """A plain value that pydantic checks."""

    annotation: Any


@dataclass(frozen=True)
class ComponentShape:
    """A nested component; `bound` is the class it must derive from, if the annotation says one."""

    kind: str
    bound: type[Registrable] | None = None


@dataclass(frozen=True)
class SectionShape:
    """A dataclass whose fields a recipe fills in."""

    section: type


@dataclass(frozen=True)
class ListShape:
    """Many of one shape, in order; `frozen` ones become tuples."""

    item: Shape
    frozen: bool


@dataclass(frozen=True)
class MapShape:
    """Many of one shape, by name."""

    item: Shape


@dataclass(frozen=True)
class NamedShape:
    """Components by name, where the name is the default type; `line` adds fields of its own."""

    kind: str
    line: type | None


@dataclass(frozen=True)
class OptionalShape:
    """Something or nothing."""

    inner: Shape


@dataclass(frozen=True)
class EitherShape:
    """Something structured, or else a plain value."""

    structured: Shape
    leaf: Leaf


Shape = (
    Leaf
    | ComponentShape
    | SectionShape
    | ListShape
    | MapShape
    | NamedShape
    | OptionalShape
    | EitherShape
)


def shape_of(annotation: Any) -> Shape:
    """The shape of a resolved annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(annotation, arguments)
    if isinstance(annotation, type) and issubclass(annotation, Registrable):
        return ComponentShape(annotation.kind, annotation)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return SectionShape(annotation)
    if origin in (Union, types.UnionType):
        return _union(annotation, arguments)
    if origin in (list, tuple, Sequence) and arguments:
        item = shape_of(arguments[0])
        repeated = origin is not tuple or arguments[1:] == (...,)
        return (
            ListShape(item, origin is tuple) if repeated and structured(item) else Leaf(annotation)
        )
    if origin in (dict, Mapping) and len(arguments) == 2:
        item = shape_of(arguments[1])
        return MapShape(item) if structured(item) else Leaf(annotation)
    return Leaf(annotation)


def structured(shape: Shape) -> bool:
    """Whether components or sections are somewhere inside."""
    match shape:
        case Leaf():
            return False
        case OptionalShape(inner):
            return structured(inner)
        case _:
            return True


def _annotated(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    for mark in arguments[1:]:
        if isinstance(mark, OfKind):
            return ComponentShape(mark.kind)
        if isinstance(mark, Named):
            line = cast("type", get_args(arguments[0])[1])
            owns = "component" in getattr(line, "__dataclass_fields__", {})
            return NamedShape(mark.kind, line if owns else None)
    inner = shape_of(arguments[0])
    return inner if structured(inner) else Leaf(annotation)


def _union(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    nothing = types.NoneType in arguments
    arms = [arm for arm in arguments if arm is not types.NoneType]
    deep = [arm for arm in arms if structured(shape_of(arm))]
    flat = [arm for arm in arms if arm not in deep]
    if not deep:
        return Leaf(annotation)
    if len(deep) > 1:
        raise TypeError(f"'{annotation}' offers more than one kind of component")
    inner = shape_of(deep[0])
    if flat:
        inner = EitherShape(inner, Leaf(Union[tuple(flat)]))  # noqa: UP007 - made at run time
    return OptionalShape(inner) if nothing else inner
