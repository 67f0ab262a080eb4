"""A digest of the source a component is made of; nothing is imported for it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from albefkit.registry.entry import HOME, Entry
from albefkit.registry.errors import ComponentError, Problem
from albefkit.registry.locate import UNREADABLE, module_spec

REGISTRY = "albefkit.registry"


def source_digest(entry: Entry) -> str:
    """Whether two components of one name compute the same, as far as their source says.

    Counts the file of the class and, directly or not, every file of its own package and of albefkit
    that it imports: a helper's change is the component's. Left out are other libraries, and
    albefkit's registry, which finds components and computes nothing.

    Returns:
        `sha256:` and 64 digits.

    Raises:
        ComponentError: a source cannot be read.
    """
    try:
        files = _files(entry)
        whole = hashlib.sha256()
        for name, file in sorted(files.items()):
            whole.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    except UNREADABLE as error:
        message = f"the source of {entry.label} cannot be read: {error}"
        raise ComponentError(Problem("", "", message, "albefkit components --problems")) from error
    return f"sha256:{whole.hexdigest()}"


def _files(entry: Entry) -> dict[str, Path]:
    """Module -> its file; a component's own file, if a recipe names it, has no module's name."""
    own = {HOME, entry.module.partition(".")[0]} if entry.file is None else {HOME}
    files: dict[str, Path] = {}
    waiting = list(_with_parents(entry.module)) if entry.file is None else []
    if entry.file is not None:
        files[""] = entry.file
        waiting += _imports(entry.file, entry.file.stat().st_mtime, "")
    looked_at: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in looked_at or module.partition(".")[0] not in own:
            continue
        looked_at.add(module)
        if module.startswith(REGISTRY):
            continue
        file = _file(module)
        if file is None:
            continue
        files[module] = file
        if file.suffix == ".py":
            waiting += _imports(file, file.stat().st_mtime, module)
    if entry.file is None and entry.module not in files:
        raise ImportError(f"there is no file of module '{entry.module}'")
    return files


def _file(module: str) -> Path | None:
    spec = module_spec(module)
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return None
    return Path(spec.origin)


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    yield from (".".join(parts[: count + 1]) for count in range(len(parts)))


@lru_cache(maxsize=1024)
def _imports(file: Path, changed: float, module: str) -> tuple[str, ...]:
    """The modules that a file may import, and names in modules that look the same."""
    is_package = file.name == "__init__.py"
    found: dict[str, None] = {}
    for node in _import_statements(ast.parse(file.read_bytes(), filename=str(file)), is_package):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        else:
            start = module.split(".") if is_package else module.split(".")[:-1]
            start = start[: len(start) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            names = [f"{base}.{each.name}" for each in node.names]
        found |= {each: None for name in names for each in _with_parents(name)}
    return tuple(found)


def _import_statements(node: ast.AST, is_package: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that can happen: those for type checkers cannot; those in the functions of a package
    are doors to whatever else it holds, which its modules need not go through.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for each in child.orelse:
                yield from _import_statements(ast.Module([each], []), is_package)
        elif not (is_package and isinstance(child, ast.FunctionDef)):
            yield from _import_statements(child, is_package)
