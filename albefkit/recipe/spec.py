"""A component that a recipe asks for, checked and not yet built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from albefkit.recipe.dump import plain
from albefkit.recipe.place import Place, dotted
from albefkit.recipe.signature import component_parameters, neighbours
from albefkit.registry.catalogue import load
from albefkit.registry.entry import Entry
from albefkit.registry.errors import AlbefkitError, ComponentError, RecipeError


@dataclass(frozen=True)
class ComponentSpec:
    """What a recipe says about one component.

    Args:
        kind: its kind.
        name: its type, as the recipe names it.
        params: every recipe parameter with its checked value, defaults included; a nested component
            is a `ComponentSpec`.
        place: where the recipe asks for it.
        entry: who provides it.
        path: where in the recipe it stands, dotted.
    """

    kind: str
    name: str
    params: Mapping[str, Any]
    place: Place = field(compare=False)
    entry: Entry = field(compare=False)
    path: str = field(compare=False)

    def build(self, neighbours_by_name: Mapping[str, Any]) -> Any:
        """Build the component, its nested ones first.

        Args:
            neighbours_by_name: what the assembler wires; each component takes those that it names
                left of `*` in its constructor.

        Raises:
            ComponentError: the component cannot be loaded or built, or a neighbour is missing.
            RecipeError: the constructor refused a value.
        """
        component = load(self.entry)
        values = {name: _built(each, neighbours_by_name) for name, each in self.params.items()}
        wired: dict[str, Any] = {}
        for name, needed in neighbours(component).items():
            if name in neighbours_by_name:
                wired[name] = neighbours_by_name[name]
            elif needed:
                message = f"{self.label} needs a '{name}', and this recipe gives it none"
                raise ComponentError(self.place.problem(self.path, message))
        try:
            return component(**wired, **values)
        except AlbefkitError as error:
            raise self._placed(error) from error
        except ValueError as error:
            raise RecipeError(self.place.problem(self.path, str(error))) from error
        except Exception as error:
            message = f"{self.label} cannot be built\n{type(error).__name__}: {error}"
            hint = "--debug shows where"
            raise ComponentError(self.place.problem(self.path, message, hint)) from error

    @property
    def label(self) -> str:
        """The component with its provider, for messages."""
        return f"{self.kind} '{self.name}' of {self.entry.provider}"

    def plain(self) -> dict[str, Any]:
        """The component as a recipe would write it, every parameter said."""
        return {"type": self.name} | {name: plain(each) for name, each in self.params.items()}

    def walk(self) -> Iterator[ComponentSpec]:
        """This component and all nested ones."""
        yield self
        for value in self.params.values():
            yield from nested(value)

    def parameters(self) -> Iterator[tuple[str, Any, str]]:
        """Path, value and meaning of each recipe parameter."""
        for name, parameter in component_parameters(load(self.entry)).items():
            yield dotted(self.path, name), self.params[name], parameter.meaning

    def _placed(self, error: AlbefkitError) -> AlbefkitError:
        """The same error, its problems at this place if they have none."""
        problems = [
            each
            if each.where or each.path
            else self.place.problem(self.path, each.message, each.hint)
            for each in error.problems
        ]
        return type(error)(problems)


def nested(value: Any) -> Iterator[ComponentSpec]:
    """All components in a checked value."""
    if isinstance(value, ComponentSpec):
        yield from value.walk()
    elif isinstance(value, Mapping):
        for each in cast("Mapping[str, Any]", value).values():
            yield from nested(each)
    elif isinstance(value, (list, tuple)):
        for each in cast("list[Any]", value):
            yield from nested(each)


def _built(value: Any, neighbours_by_name: Mapping[str, Any]) -> Any:
    if isinstance(value, ComponentSpec):
        return value.build(neighbours_by_name)
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {key: _built(each, neighbours_by_name) for key, each in entries.items()}
    if isinstance(value, (list, tuple)):
        items = [_built(each, neighbours_by_name) for each in cast("list[Any]", value)]
        return tuple(items) if isinstance(value, tuple) else items
    return value
