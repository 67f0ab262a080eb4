"""A base class that is its own registry."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

from albefkit.registry.errors import ComponentError
from albefkit.registry.former_names import honour_former_names


@dataclass(frozen=True)
class Default:
    """The default of a nested component, written as a recipe would write it."""

    value: Any


def default(value: Any) -> Any:
    """Give a nested component a default: `negatives: Negatives = default("hard")`."""
    return Default(value)


@dataclass(frozen=True)
class Ablation:
    """A named edit that takes one idea out of a component.

    Args:
        edits: path inside the component -> value a recipe would write there.
        meaning: what is then missing, in a few words.
        without: something that objectives train (`similarity`): where the last of them is dropped,
            this ablation follows by itself.
    """

    edits: Mapping[str, Any]
    meaning: str
    without: str | None = None


class Registrable:
    """Mixin for the base class of a kind; its subclasses are the kind's components."""

    kind: ClassVar[str]
    shorthand: ClassVar[str | None] = None
    ablations: ClassVar[Mapping[str, Ablation]] = {}

    former_names: ClassVar[Mapping[str, str]] = {}
    """Hooks of a kind by the name they had -> their name now; both are honoured."""

    outdated: ClassVar[tuple[str, ...]] = ()
    """Which of these a component defines by the name they had."""

    @classmethod
    def by_name(cls, name: str) -> type[Self]:
        """The component of this kind that `name` means; it is imported now.

        Raises:
            ComponentError: the name is unknown or contested, or its component is broken.
        """
        from albefkit.registry.catalogue import find, load

        return cast("type[Self]", load(find(cls.kind, name)))

    @classmethod
    def list_available(cls) -> list[str]:
        """The names of all components of this kind; nothing is imported."""
        from albefkit.registry.catalogue import by_kind

        return list(by_kind(cls.kind))

    @classmethod
    @contextmanager
    def register(cls, name: str) -> Generator[type[Self], None, None]:
        """Know this class by `name` inside a `with` block: for notebooks and tests.

        A class that others are to find is declared as an entry point of its distribution instead.

        Raises:
            ComponentError: the name is taken.
        """
        from albefkit.registry.catalogue import by_kind
        from albefkit.registry.scope import registered

        taken = by_kind(cls.kind).get(name)
        if taken is not None:
            raise ComponentError(f"{cls.kind} '{name}' is {taken.provider}'s: take another name")
        with registered(name, cls):
            yield cls

    def __init_subclass__(cls, kind: str | None = None, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if kind is not None:
            cls.kind = kind
        elif "__init__" in cls.__dict__:
            _check_constructor(cls)
        honour_former_names(cls)


def _check_constructor(cls: type) -> None:
    for parameter in inspect.signature(cls.__init__).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            raise TypeError(f"{cls.__qualname__}: a component takes no '*{parameter.name}'")
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.annotation is parameter.empty:
            raise TypeError(f"{cls.__qualname__}: parameter '{parameter.name}' needs a type")
