"""What a component's source says about it, read without importing anything of it."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

from albefkit.registry.docstring import meanings, summary_line
from albefkit.registry.entry import Entry


@dataclass(frozen=True)
class ParameterText:
    """A recipe parameter as its source spells it.

    Args:
        name: what a recipe writes.
        type: the annotation.
        default: the default, or None where the recipe must say.
        meaning: what the docstring says about it.
    """

    name: str
    type: str
    default: str | None
    meaning: str


@dataclass(frozen=True)
class Description:
    """What the source of a component says.

    Args:
        summary: the docstring's first line.
        doc: the docstring's text before its first section.
        parameters: what a recipe may say.
        ablations: name -> what is then missing.
        file: the source file.
        line: where the class begins.
    """

    summary: str
    doc: str
    parameters: tuple[ParameterText, ...]
    ablations: dict[str, str]
    file: Path
    line: int


def summary(entry: Entry) -> str | None:
    """The first line of a component's docstring; None where its source cannot be read."""
    try:
        found = locate(entry)
    except (OSError, SyntaxError, ValueError, ImportError):
        return None
    if found is None:
        return None
    return summary_line(ast.get_docstring(found.node) or "")


def describe(entry: Entry) -> Description | None:
    """Everything the source of a component says; None where it cannot be read."""
    try:
        found = locate(entry)
        chain = list(_ancestry(found)) if found else []
    except (OSError, SyntaxError, ValueError, ImportError):
        return None
    if found is None:
        return None
    doc = ast.get_docstring(found.node) or ""
    explained: dict[str, str] = {}
    for each in reversed(chain):
        explained |= meanings(ast.get_docstring(each.node) or "")
    constructor = next((init for each in chain if (init := _constructor(each.node))), None)
    ablations = next((named for each in chain if (named := _ablations(each.node))), {})
    return Description(
        summary_line(doc),
        doc.split("\n\nArgs:")[0].strip(),
        _parameters(constructor, explained) if constructor else (),
        ablations,
        found.file,
        found.node.lineno,
    )


@dataclass(frozen=True)
class Located:
    """A class in a file."""

    file: Path
    module: str
    node: ast.ClassDef


def locate(entry: Entry) -> Located | None:
    """The class of a component in its source, or None if it is not there."""
    if entry.file is not None:
        return _find_class(entry.file, entry.module, entry.attribute)
    file = module_file(entry.module)
    return None if file is None else _find_class(file, entry.module, entry.attribute)


def module_file(module: str) -> Path | None:
    """The file of a module; packages on the way to it are not imported."""
    first, *rest = module.split(".")
    spec = importlib.util.find_spec(first)
    name = first
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


@lru_cache(maxsize=512)
def _parse(file: Path, changed: float) -> ast.Module:
    return ast.parse(file.read_bytes(), filename=str(file))


def _tree(file: Path) -> ast.Module:
    return _parse(file, file.stat().st_mtime)


def _find_class(file: Path, module: str, name: str) -> Located | None:
    body = _tree(file).body
    node: ast.ClassDef | None = None
    for part in name.split("."):
        node = next((n for n in body if isinstance(n, ast.ClassDef) and n.name == part), None)
        if node is None:
            return None
        body = node.body
    return None if node is None else Located(file, module, node)


def _ancestry(found: Located, depth: int = 0) -> list[Located]:
    """The class and, first base first, those it derives from, as far as sources can be read."""
    chain = [found]
    for base in found.node.bases:
        parent = _resolve(found, ast.unparse(base)) if depth < 8 else None
        if parent is not None:
            chain += _ancestry(parent, depth + 1)
    return chain


def _resolve(found: Located, name: str) -> Located | None:
    """The class that `name` means in the module of `found`."""
    for node in _tree(found.file).body:
        if isinstance(node, ast.ClassDef) and node.name == name and node is not found.node:
            return Located(found.file, found.module, node)
        if not isinstance(node, ast.ImportFrom) or not (node.module or node.level):
            continue
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                module = _absolute(found.module, node)
                file = module_file(module) if module.split(".")[0] not in _NOT_OURS else None
                return None if file is None else _find_class(file, module, alias.name)
    return None


_NOT_OURS = {"abc", "typing", "torch", "albefkit.registry"}
"""Bases that say nothing about recipe parameters; torch is large and slow to find."""


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".")[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def _constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    inits = (n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    return next(inits, None)


def _parameters(node: ast.FunctionDef, explained: dict[str, str]) -> tuple[ParameterText, ...]:
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return tuple(
        ParameterText(
            argument.arg,
            ast.unparse(argument.annotation) if argument.annotation else "",
            None if value is None else _default_text(value),
            explained.get(argument.arg, ""),
        )
        for argument, value in pairs
    )


def _default_text(node: ast.expr) -> str:
    match node:
        case ast.Call(func=ast.Name(id="default"), args=[value]):
            return _default_text(value)
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=None):
            return "null"
        case ast.Constant(value=bool(truth)):
            return "true" if truth else "false"
        case _:
            return ast.unparse(node).replace("'", "")


def _ablations(node: ast.ClassDef) -> dict[str, str]:
    for statement in node.body:
        match statement:
            case (
                ast.AnnAssign(target=ast.Name(id="ablations"), value=ast.Dict() as value)
                | ast.Assign(targets=[ast.Name(id="ablations")], value=ast.Dict() as value)
            ):
                return dict(_named_edits(value))
            case _:
                continue
    return {}


def _named_edits(node: ast.Dict) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(value, ast.Call)):
            continue
        spoken = [*value.args[1:2], *(k.value for k in value.keywords if k.arg == "meaning")]
        texts = [each.value for each in spoken if isinstance(each, ast.Constant)]
        found.append((str(key.value), str(texts[0]) if texts else ""))
    return found
