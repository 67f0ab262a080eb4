"""YAML text as a tree in which everything knows its place.

The YAML of recipes is the plain part of YAML 1.2: `1e-4` is a number, `yes`, `no`, `on` and `off`
are words, a key stands once, there are no tags and nothing is ever constructed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import yaml

from albefkit.recipe.place import Place, dotted
from albefkit.registry.errors import Problem, RecipeError

Scalar = str | int | float | bool | None

MAX_BYTES = 262_144
MAX_NODES = 20_000
MAX_DEPTH = 40

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Node:
    """A value and where it was said.

    Args:
        value: a scalar, a list of nodes or a mapping from text to nodes.
        place: where the value begins.
        key: where its key begins, if it has one.
        plain: whether a text was written without quotes.
    """

    value: Scalar | list[Node] | dict[str, Node]
    place: Place
    key: Place | None = None
    plain: bool = False

    @property
    def mapping(self) -> dict[str, Node] | None:
        """The entries, if this is a mapping."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def at(self) -> Place:
        """Where the key stands, or the value if there is no key."""
        return self.key or self.place

    def python(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.python() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.python() for node in self.value]
        return self.value


class _Loader(yaml.SafeLoader):
    """Resolves the plain scalars of YAML 1.2's core schema, and nothing else."""

    yaml_implicit_resolvers: ClassVar[Any] = {}


SCALARS: dict[str, tuple[str, list[str]]] = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+(_[0-9]+)*", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)"
        r"|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
"""What a plain scalar is, first match first; everything else is text."""

for _name, (_pattern, _first) in SCALARS.items():
    cast(Any, _Loader).add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), _first)


def read_file(path: Path, shown: str | None = None) -> tuple[str, Node]:
    """The text of a recipe file, and its tree.

    Args:
        path: the file.
        shown: how messages name it; as given if None.

    Raises:
        RecipeError: there is no such file, or it is not the YAML of a recipe.
    """
    shown = shown or str(path)
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            size = path.stat().st_size
            raise RecipeError(Problem(shown, "", f"too large for a recipe: {size:,} bytes"))
        text = path.read_bytes().decode("utf-8-sig")
    except IsADirectoryError:
        raise RecipeError(Problem(shown, "", "is a folder, expected a recipe file")) from None
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text: byte {error.object[error.start]:#04x} at {error.start}"
        raise RecipeError(Problem(shown, "", message)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RecipeError(Problem(shown, "", f"cannot be read: {reason}")) from None
    node = parse(text, shown, path.parent)
    if node.value is None:
        raise RecipeError(Problem(shown, "", "is empty, expected a recipe"))
    if node.mapping is None:
        raise RecipeError(node.place.problem("", "expected a mapping of sections"))
    return text, node


def parse(text: str, shown: str, folder: Path, *, place: Place | None = None) -> Node:
    """The tree of a YAML text.

    Args:
        text: one YAML document.
        shown: the file's name in messages.
        folder: what paths of files are relative to.
        place: if given, the place of everything (an argument of the command line).

    Raises:
        RecipeError: with every problem in it, except that a syntax error ends the reading.
    """
    converter = _Converter(shown, folder, place)
    try:
        found: Any = cast(Any, yaml).compose(text, Loader=_Loader)
        node = converter.node(found, "", 0) if found is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = converter.place(mark) if mark else Place(shown)
        parts = (error.context, error.problem)
        message = ": ".join(part for part in parts if part) or "this is not YAML"
        raise RecipeError((place or at).problem("", f"not YAML: {message}")) from None
    except yaml.YAMLError as error:
        message = f"not YAML: {str(error).splitlines()[0]}"
        raise RecipeError((place or Place(shown)).problem("", message)) from None
    except RecursionError:
        raise RecipeError((place or Place(shown)).problem("", "nested too deeply")) from None
    if converter.problems:
        raise RecipeError(converter.problems)
    return node or Node(None, place or Place(shown, folder=folder))


def from_python(value: Any, place: Place) -> Node:
    """A tree from plain Python values, all said at one place."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[Any, Any]", value)
        return Node({str(k): from_python(v, place) for k, v in entries.items()}, place)
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = cast("Sequence[Any]", value)
        return Node([from_python(each, place) for each in items], place)
    return Node(value, place)


class _Converter:
    """Turns the nodes of PyYAML into ours and collects what is wrong with them."""

    def __init__(self, shown: str, folder: Path, fixed: Place | None) -> None:
        self.shown = shown
        self.folder = folder
        self.fixed = fixed
        self.problems: list[Problem] = []
        self.count = 0

    def place(self, mark: Any) -> Place:
        text = f"{self.shown}:{mark.line + 1}:{mark.column + 1}"
        return self.fixed or Place(text, folder=self.folder)

    def wrong(self, node: Any, path: str, message: str) -> None:
        self.problems.append(self.place(node.start_mark).problem(path, message))

    def node(self, node: Any, path: str, depth: int, key: Place | None = None) -> Node:
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_NODES:
            message = "nested too deeply" if depth > MAX_DEPTH else "too much for a recipe"
            raise RecipeError(self.place(node.start_mark).problem("", message))
        place = self.place(node.start_mark)
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return Node(self.entries(node, path, depth), place, key)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            children = enumerate(cast("list[Any]", node.value))
            items = [self.node(each, dotted(path, i), depth + 1) for i, each in children]
            return Node(items, place, key)
        if isinstance(node, yaml.ScalarNode) and kind in _CONVERSIONS:
            return Node(self.scalar(node, path, kind), place, key, node.style is None)
        self.wrong(node, path, f"a recipe has no tags, got '{node.tag}'")
        return Node(None, place, key)

    def scalar(self, node: Any, path: str, kind: str) -> Scalar:
        try:
            value = _CONVERSIONS[kind](node.value)
        except ValueError:
            self.wrong(node, path, f"'{node.value[:40]}' is not a readable {kind}")
            return None
        if isinstance(value, str) and not _encodable(value):
            self.wrong(node, path, "a text with half a character (a lone surrogate)")
            return None
        return value

    def entries(self, node: Any, path: str, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in self.pairs(node, path):
            name, place = str(key.value), self.place(key.start_mark)
            if name in found:
                first = found[name].at.text
                message = f"'{name}' stands here a second time; first at {first}"
                self.problems.append(place.problem(dotted(path, name), message))
                continue
            found[name] = self.node(value, dotted(path, name), depth + 1, place)
        return found

    def pairs(self, node: Any, path: str) -> Iterator[tuple[Any, Any]]:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.wrong(key, path, "expected a name before the ':'")
            elif not _encodable(cast(str, key.value)):
                self.wrong(key, path, "a name with half a character (a lone surrogate)")
            else:
                yield key, value


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _null(text: str) -> None:
    if text not in ("", "~") and text.lower() != "null":
        raise ValueError(text)


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _int(text: str) -> int:
    return int(text.replace("_", ""))


def _float(text: str) -> float:
    special = re.fullmatch(r"([-+]?)\.(inf|nan)", text.lower())
    return float(special[1] + special[2]) if special else float(text.replace("_", ""))


_CONVERSIONS: dict[str, Any] = {
    "null": _null,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "str": str,
}
