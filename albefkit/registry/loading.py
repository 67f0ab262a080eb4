"""Importing the one component that is used; what breaks is chained to its cause."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from albefkit.registry.entry import Entry
from albefkit.registry.errors import ComponentError, Problem
from albefkit.registry.former_names import warn_of_former_names
from albefkit.registry.kinds import KINDS
from albefkit.registry.scope import scoped

if TYPE_CHECKING:
    from albefkit.registry.registrable import Registrable


def load(entry: Entry) -> type[Registrable]:
    """Import the class of a component.

    Raises:
        ComponentError: it cannot be imported, or is not of its kind.
    """
    here = scoped().get((entry.kind, entry.name))
    if here is not None:
        return here[1]
    try:
        module = _from_file(entry.file) if entry.file else importlib.import_module(entry.module)
        component: Any = module
        for part in entry.attribute.split("."):
            component = getattr(component, part)
    except (Exception, SystemExit) as error:
        message = f"{entry.label} cannot be loaded\n{type(error).__name__}: {error}"
        hint = "--debug shows where"
        if not entry.built_in and entry.file is None:
            hint += "; ALBEFKIT_PLUGINS=none leaves out what others installed"
        raise ComponentError(Problem("", "", message, hint)) from error
    base = base_class(entry.kind)
    if not (isinstance(component, type) and issubclass(component, base)):
        message = f"{entry.label} is not a {base.__name__}: {entry.value} should derive from it"
        raise ComponentError(message)
    warn_of_former_names(component, entry)
    return component


def base_class(kind: str) -> type[Registrable]:
    """The base class of a kind.

    Raises:
        ComponentError: it cannot be imported: something albefkit needs is missing.
    """
    module, _, name = KINDS[kind].base.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        message = f"the base of every {kind} cannot be loaded\n{type(error).__name__}: {error}"
        raise ComponentError(message) from error


def digest(file: Path) -> str:
    """The beginning of the digest of a file's content: the version of a component in a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _from_file(file: Path) -> ModuleType:
    name = f"{file.stem}_{digest(file)}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
