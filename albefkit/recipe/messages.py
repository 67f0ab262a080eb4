"""Parameters, kinds and classes in the words of messages."""

from __future__ import annotations

import inspect
from pathlib import Path

from albefkit.recipe.dump import plain
from albefkit.recipe.shapes import (
    ComponentShape,
    MapShape,
    NamedShape,
    OptionalShape,
    SectionShape,
)
from albefkit.recipe.signature import Parameter
from albefkit.recipe.words import default_words, type_words
from albefkit.registry.catalogue import by_kind


def shape_words(parameter: Parameter) -> str:
    """What a parameter takes, in words."""
    match parameter.shape:
        case ComponentShape(kind) | OptionalShape(ComponentShape(kind)):
            return kind
        case SectionShape() | MapShape() | NamedShape() | OptionalShape(SectionShape()):
            return "a mapping"
        case _:
            return type_words(parameter.annotation)


def parameter_words(parameter: Parameter) -> str:
    """What a parameter takes and its default, in words: `int, 16`."""
    words = shape_words(parameter)
    if parameter.required:
        return words
    if words == "a mapping":
        return words
    return f"{words}, {default_words(plain(parameter.plain_default))}"


def available(kind: str) -> str:
    """The names of a kind, as a hint."""
    return f"available: {', '.join(by_kind(kind))}"


def location_of(cls: type) -> str:
    """Where a class is written, short: `albefkit/vision/timm_model.py:24`."""
    try:
        file = Path(inspect.getsourcefile(cls) or "")
        line = inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return f"{cls.__module__}:{cls.__qualname__}"
    parts = len(cls.__module__.split("."))
    return f"{Path(*file.parts[-parts:]).as_posix()}:{line}"
