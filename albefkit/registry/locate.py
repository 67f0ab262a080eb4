"""Finding the source of a class without importing it or anything on the way to it."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from albefkit.registry.entry import Entry

UNREADABLE = (OSError, SyntaxError, ValueError, ImportError)
"""What reading somebody's source may raise."""


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
    """The Python file of a module; packages on the way to it are not imported."""
    spec = module_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def module_spec(module: str) -> ModuleSpec | None:
    """Where a module would come from; packages on the way to it are not imported."""
    first, *rest = module.split(".")
    spec = importlib.util.find_spec(first)
    name = first
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    return spec


def missing(entry: Entry) -> str | None:
    """Why the class of a component cannot be there, as far as its source shows; None if it can."""
    try:
        if entry.file is None and module_spec(entry.module) is None:
            return f"there is no module '{entry.module}'"
        file = entry.file or module_file(entry.module)
        if file is not None and not _assigns(file, entry.attribute):
            return f"there is no '{entry.attribute}' in {file}"
    except UNREADABLE as error:
        return f"{type(error).__name__}: {error}"
    return None


def _assigns(file: Path, name: str) -> bool:
    """Whether a file seems to make `name` in any way: a class, an import, an assignment."""
    first = name.split(".")[0]
    for node in ast.walk(_tree(file)):
        match node:
            case ast.ClassDef(name=made) | ast.FunctionDef(name=made) | ast.Name(id=made):
                pass
            case ast.alias(name=made, asname=other):
                made = other or made
            case _:
                continue
        if made in (first, "*"):
            return True
    return False


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


def ancestry(found: Located, depth: int = 0) -> list[Located]:
    """The class and, first base first, those it derives from, as far as sources can be read."""
    chain = [found]
    for base in found.node.bases:
        parent = _resolve(found, ast.unparse(base)) if depth < 8 else None
        if parent is not None:
            chain += ancestry(parent, depth + 1)
    return chain


def alias(found: Located, name: str) -> ast.expr | None:
    """What a name for a type stands for where `found` is written, as `Literal['auto', True]`."""
    origin = _origin(found, name)
    if origin is None:
        return None
    file, _, name = origin
    for node in _tree(file).body:
        match node:
            case (
                ast.Assign(
                    targets=[ast.Name(id=made)], value=ast.Subscript() | ast.BinOp() as value
                )
                | ast.AnnAssign(target=ast.Name(id=made), value=ast.Subscript() as value)
            ) if made == name:
                return value
            case _:
                continue
    return None


def _resolve(found: Located, name: str) -> Located | None:
    """The class that `name` means in the module of `found`."""
    origin = _origin(found, name)
    if origin is None:
        return None
    file, module, name = origin
    other = _find_class(file, module, name)
    return None if other is not None and other.node is found.node else other


def _origin(found: Located, name: str) -> tuple[Path, str, str] | None:
    """Where `name` comes from in the module of `found`: file, module and its name there."""
    for node in _tree(found.file).body:
        if not isinstance(node, ast.ImportFrom):
            continue
        for imported in node.names:
            if (imported.asname or imported.name) == name:
                module = _absolute(found.module, node)
                file = None if module.split(".")[0] in _NOT_OURS else module_file(module)
                return None if file is None else (file, module, imported.name)
    return found.file, found.module, name


_NOT_OURS = {"abc", "typing", "torch"}
"""Modules that say nothing about recipe parameters; torch is large and slow to find."""


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".")[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])
