"""Components that exist only inside a `with` block: for notebooks and tests."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

from albefkit.registry.entry import Entry

if TYPE_CHECKING:
    from albefkit.registry.registrable import Registrable

Scope = Mapping[tuple[str, str], "tuple[Entry, type[Registrable]]"]

_scope: ContextVar[Scope] = ContextVar("scope", default=MappingProxyType({}))


def scoped() -> Scope:
    """What is registered in this context: (kind, name) -> its entry and class."""
    return _scope.get()


@contextmanager
def registered(name: str, component: type[Registrable]) -> Generator[Entry, None, None]:
    """Know `component` by `name` inside the block; the caller made sure that the name is free."""
    value = f"{component.__module__}:{component.__qualname__}"
    entry = Entry(component.kind, name, value, "registered here", "")
    token = _scope.set({**_scope.get(), (component.kind, name): (entry, component)})
    try:
        yield entry
    finally:
        _scope.reset(token)
