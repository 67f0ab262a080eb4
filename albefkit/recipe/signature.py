"""A typed constructor read as a declaration: what a recipe may say, what the assembler wires."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, get_type_hints

from albefkit.recipe.shapes import Shape, shape_of
from albefkit.registry import Registrable
from albefkit.registry.docstring import meanings
from albefkit.registry.errors import ComponentError
from albefkit.registry.registrable import Default


class Required:
    """Stands where a default would be: the recipe must say."""


REQUIRED = Required()


@dataclass(frozen=True)
class Parameter:
    """Something a recipe may say.

    Args:
        name: its key.
        annotation: its type, resolved.
        shape: what the type asks of a recipe.
        default: its value if the recipe is silent, as the constructor declares it; or `REQUIRED`.
        meaning: what the docstring says about it.
    """

    name: str
    annotation: Any
    shape: Shape
    default: Any
    meaning: str

    @property
    def required(self) -> bool:
        """Whether the recipe must say."""
        return self.default is REQUIRED

    @property
    def plain_default(self) -> Any:
        """The default as a recipe would write it; None where there is none."""
        if self.default is REQUIRED:
            return None
        return self.default.value if isinstance(self.default, Default) else self.default


@cache
def component_parameters(component: type[Registrable]) -> Mapping[str, Parameter]:
    """What a recipe may say to a component: everything right of `*` in its constructor.

    Raises:
        ComponentError: an annotation cannot be read.
    """
    return dict(_component_parameters(component))


def _component_parameters(component: type[Registrable]) -> Iterator[tuple[str, Parameter]]:
    owner, constructor = _constructor(component)
    explained = _explained(component)
    for each in inspect.signature(constructor).parameters.values():
        if each.kind is not each.KEYWORD_ONLY:
            continue
        try:
            annotation = _resolve(each.annotation, constructor, owner)
            shape = shape_of(annotation)
        except Exception as error:
            message = f"{component.__qualname__}: the type of '{each.name}' cannot be read: {error}"
            raise ComponentError(message) from error
        default = REQUIRED if each.default is each.empty else each.default
        meaning = explained.get(each.name, "")
        yield each.name, Parameter(each.name, annotation, shape, default, meaning)


@cache
def neighbours(component: type[Registrable]) -> Mapping[str, bool]:
    """What the assembler wires, left of `*`: name -> whether it must be there."""
    _, constructor = _constructor(component)
    wired = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    each = list(inspect.signature(constructor).parameters.values())[1:]
    return {p.name: p.default is p.empty for p in each if p.kind in wired}


@cache
def section_parameters(section: type) -> Mapping[str, Parameter]:
    """The fields of a section, in order."""
    hints = get_type_hints(section, include_extras=True)
    explained = meanings(section.__doc__ or "")
    found: dict[str, Parameter] = {}
    for each in fields(section):
        default: Any = REQUIRED
        if each.default is not MISSING:
            default = each.default
        elif each.default_factory is not MISSING:
            default = each.default_factory()
        annotation = hints[each.name]
        meaning = explained.get(each.name, "")
        found[each.name] = Parameter(each.name, annotation, shape_of(annotation), default, meaning)
    return found


def _constructor(component: type[Registrable]) -> tuple[type, Callable[..., Any]]:
    """The constructor in force and the class that wrote it."""
    for owner in component.__mro__:
        if "__init__" in owner.__dict__:
            ours = issubclass(owner, Registrable)
            return owner, owner.__dict__["__init__"] if ours else _nothing
    return component, _nothing


def _nothing(self: Any) -> None:
    """The constructor of a component that neither takes nor needs anything."""


def _explained(component: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in reversed(component.__mro__):
        found |= meanings(each.__dict__.get("__doc__") or "")
    return found


def _resolve(annotation: Any, constructor: Callable[..., Any], owner: type) -> Any:
    """One annotation by itself: those of neighbours may be unreadable here (TYPE_CHECKING)."""

    def holder() -> None:
        """Carries the one annotation."""

    holder.__annotations__ = {"it": annotation}
    module = getattr(constructor, "__globals__", None) or vars(sys.modules[owner.__module__])
    hints = get_type_hints(holder, globalns=module, localns=dict(vars(owner)), include_extras=True)
    return hints["it"]
