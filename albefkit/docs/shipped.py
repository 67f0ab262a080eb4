"""The shipped recipes with what they extend and use; one that is not right here says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albefkit.recipe.layers import EXTENDS
from albefkit.recipe.library import SUFFIX, find_recipe, shipped, shipped_folder
from albefkit.recipe.load import Recipe, load_recipe
from albefkit.recipe.source import read_file
from albefkit.registry.entry import Entry
from albefkit.registry.errors import AlbefkitError


@dataclass(frozen=True)
class Shipped:
    """A shipped recipe.

    Args:
        name: its bare name.
        given: the text of its file.
        extends: the bare names of those it builds on.
        recipe: what it says, or None where that cannot be told.
        problem: why not.
    """

    name: str
    given: str
    extends: tuple[str, ...]
    recipe: Recipe | None
    problem: str = ""

    @property
    def comment(self) -> str:
        """What its file begins with: the first paragraph of comments, editors' hints aside."""
        lines = [each.removeprefix("#").strip() for each in _leading_comments(self.given)]
        paragraphs = "\n".join(line for line in lines if "yaml-language-server" not in line)
        return paragraphs.strip().partition("\n\n")[0]


def shipped_recipes() -> list[Shipped]:
    """All of them, read and checked here: a missing plugin is a problem of its recipe only."""
    return [_read(name) for name in shipped()]


def users(recipes: Iterable[Shipped]) -> Mapping[Entry, list[str]]:
    """Component -> the names of the recipes that use it."""
    found: dict[Entry, list[str]] = {}
    for each in recipes:
        used = each.recipe.components() if each.recipe else []
        for entry in dict.fromkeys(spec.entry for spec in used):
            found.setdefault(entry, []).append(each.name)
    return found


def _read(name: str) -> Shipped:
    path = find_recipe(name)
    text, node = read_file(path)
    extends = _bare_names(node.python().get(EXTENDS), path.parent)
    try:
        return Shipped(name, text, extends, load_recipe(path))
    except AlbefkitError as error:
        return Shipped(name, text, extends, None, str(error))


def _bare_names(extends: Any, folder: Path) -> tuple[str, ...]:
    names = extends if isinstance(extends, list) else [extends] if extends else []
    files = (find_recipe(str(each), folder) for each in names)
    top = shipped_folder().resolve()
    return tuple(file.relative_to(top).as_posix().removesuffix(SUFFIX) for file in files)


def _leading_comments(text: str) -> list[str]:
    lines = text.splitlines()
    return lines[: next((i for i, line in enumerate(lines) if line[:1] != "#"), len(lines))]
