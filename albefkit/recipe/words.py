"""Types and values in the words of messages."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

_NAMES: dict[Any, str] = {
    int: "int",
    float: "float",
    bool: "true or false",
    str: "text",
    types.NoneType: "null",
    Any: "anything",
}


def type_words(annotation: Any) -> str:
    """An annotation as a person would say it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if origin is Annotated:
        return type_words(arguments[0])
    if origin is Literal:
        return either([value_words(value, bare=True) for value in arguments])
    if origin in (Union, types.UnionType):
        return either([type_words(arm) for arm in arguments])
    if origin is tuple and arguments[1:] != (...,):
        return f"[{', '.join(type_words(each) for each in arguments)}]"
    if origin in (list, tuple, set, frozenset, Sequence):
        return f"a list of {type_words(arguments[0])}"
    if origin in (dict, Mapping):
        return f"a mapping to {type_words(arguments[1])}"
    if _is_path(annotation):
        return "a path"
    return str(getattr(annotation, "__name__", annotation))


def _is_path(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, PurePath)


def value_words(value: Any, *, bare: bool = False) -> str:
    """A value as a person would say it: `text 'hot'`, `3`, `a list of 2`."""
    if isinstance(value, str):
        text = value if len(value) <= 40 else f"{value[:37]}..."
        return f"'{text}'" if bare else f"text '{text}'"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        length = len(cast("list[Any]", value))
        return f"a list of {length}" if length else "an empty list"
    return str(value) if not isinstance(value, int) or abs(value) < 10**40 else "a huge number"


def default_words(value: Any) -> str:
    """A default as a recipe would write it, in short."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return "{" + ", ".join(f"{key}: {default_words(each)}" for key, each in items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(default_words(each) for each in cast("list[Any]", value)) + "]"
    return value_words(value)


def a(kind: str) -> str:
    """A kind with its article: `a teacher`, `an objective`, `negatives`."""
    if kind.endswith("s"):
        return kind
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def either(words: Sequence[str]) -> str:
    """`a, b or c`, each once."""
    unique = list(dict.fromkeys(words))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} or {unique[-1]}"
