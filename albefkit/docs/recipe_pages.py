"""A page for every shipped recipe: what it says, what it builds on, what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import PurePosixPath

from albefkit.docs.markdown import code, fence, folded, prose, table, warning
from albefkit.docs.pages import Chapter, Page, link
from albefkit.docs.paths import component_path, recipe_links, recipe_path
from albefkit.docs.recipe_reference import reference_page
from albefkit.docs.shipped import Shipped
from albefkit.recipe.library import SUFFIX
from albefkit.recipe.load import Recipe

INDEX = "recipes/index.md"


def recipe_chapter(recipes: Sequence[Shipped]) -> Chapter:
    """The index of the shipped recipes, the reference, and a page each, by folder."""
    parts: list[Page | Chapter] = [_index(recipes), reference_page()]
    for folder, inside in groupby(sorted(recipes, key=_order), key=_folder):
        pages = [_page(each) for each in inside]
        parts += [Chapter(folder, pages)] if folder != "." else pages
    return Chapter("Recipes", parts)


def _folder(recipe: Shipped) -> str:
    return str(PurePosixPath(recipe.name).parent)


def _order(recipe: Shipped) -> tuple[str, str]:
    return _folder(recipe), recipe.name


def _index(recipes: Iterable[Shipped]) -> Page:
    rows = [(recipe_links([each.name], INDEX), prose(each.comment)) for each in recipes]
    text = f"# Shipped recipes\n\n{table(('recipe', 'what it is'), rows)}\n"
    return Page(INDEX, "Recipes", text)


def _page(shipped: Shipped) -> Page:
    path = recipe_path(shipped.name)
    parts = [f"# {PurePosixPath(shipped.name).name}", prose(shipped.comment)]
    if shipped.extends:
        parts.append(f"Extends {recipe_links(shipped.extends, path)}.")
    parts.append(fence(shipped.given, "yaml", f"recipes/{shipped.name}{SUFFIX}"))
    if shipped.recipe is None:
        parts.append(warning(shipped.problem))
    else:
        parts += [
            "## Its components",
            _components(shipped.recipe, path),
            "## Resolved",
            "The same with everything that it extends and every default said:",
            folded("resolved.yaml", fence(shipped.recipe.to_yaml(), "yaml")),
        ]
    return Page(path, PurePosixPath(shipped.name).name, "\n\n".join(parts) + "\n")


def _components(recipe: Recipe, page: str) -> str:
    rows = [
        (code(spec.path), spec.kind, link(code(spec.name), component_path(spec.entry), page))
        for spec in recipe.components()
    ]
    return table(("where", "kind", "component"), rows)
