"""What differs between two resolved recipes, in the recipe's words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from albefkit.recipe.place import dotted
from albefkit.recipe.words import default_words


class Absent:
    """Stands for what is not said at all."""


ABSENT = Absent()


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Args:
        path: where in the recipe, dotted.
        before: what the first recipe says, or `ABSENT`.
        after: what the second says, or `ABSENT`.
    """

    path: str
    before: Any
    after: Any

    def within(self, parts: Collection[str]) -> bool:
        """Whether it is in one of these parts of a recipe, each a dotted path."""
        return any(self.path == part or self.path.startswith(f"{part}.") for part in parts)

    def __str__(self) -> str:
        if isinstance(self.before, Absent):
            return f"{self.path}: new, {default_words(self.after)}"
        if isinstance(self.after, Absent):
            return f"{self.path}: gone, was {default_words(self.before)}"
        return f"{self.path}: {default_words(self.before)} -> {default_words(self.after)}"

    @property
    def brief(self) -> str:
        """The same in a few words: of a component only its type."""
        if isinstance(self.before, Absent):
            return f"{self.path}: new"
        if isinstance(self.after, Absent):
            return f"{self.path}: gone"
        return f"{self.path}: {_type(self.before)} -> {_type(self.after)}"

    @property
    def plain(self) -> dict[str, Any]:
        """The same for machines: what is not said has no entry."""
        values = {"path": self.path, "before": self.before, "after": self.after}
        return {name: value for name, value in values.items() if not isinstance(value, Absent)}


def _type(value: Any) -> str:
    named = cast("Mapping[str, Any]", value).get("type") if isinstance(value, Mapping) else None
    return str(named or default_words(value))


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What differs, in the order of the first recipe; a changed `type` stands for its block."""
    return list(_differences(before, after, ""))


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str
) -> Iterator[Difference]:
    for key in dict.fromkeys([*before, *after]):
        where = dotted(path, key)
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        if old == new and type(old) is type(new):
            continue
        if _same_block(old, new):
            yield from _differences(old, new, where)
        else:
            yield Difference(where, old, new)


def _same_block(old: Any, new: Any) -> bool:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return False
    before, after = cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", new)
    return before.get("type") == after.get("type")
