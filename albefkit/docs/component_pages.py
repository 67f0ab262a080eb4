"""A page for every component that is installed, and an index for every kind of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from albefkit.docs.markdown import code, prose, table, warning
from albefkit.docs.pages import Chapter, Page, link
from albefkit.docs.paths import component_path, kind_path, recipe_links
from albefkit.registry.catalogue import base_class, entries, shown_name, summary, trouble
from albefkit.registry.entry import Entry
from albefkit.registry.errors import ComponentError
from albefkit.registry.installed import installed
from albefkit.registry.kinds import KINDS
from albefkit.registry.source import Description, describe
from albefkit.registry.unseen import incompatible

INDEX = "components/index.md"


def component_chapter(users: Mapping[Entry, Sequence[str]]) -> Chapter:
    """All components, kind by kind.

    Args:
        users: component -> names of the shipped recipes that use it.
    """
    return Chapter("Components", [_index(), *(_kind_chapter(kind, users) for kind in KINDS)])


def _index() -> Page:
    rows = [
        (link(code(kind), kind_path(kind), INDEX), prose(about.meaning), str(len(entries(kind))))
        for kind, about in KINDS.items()
    ]
    intro = "What a recipe can name: the components of every distribution that is installed here."
    listed = table(("kind", "what it does", "components"), rows)
    left_out = [incompatible(each).message for each in installed().foreign]
    parts = ["# Components", intro, listed, *map(warning, left_out)]
    return Page(INDEX, "Components", "\n\n".join(parts) + "\n")


def _kind_chapter(kind: str, users: Mapping[Entry, Sequence[str]]) -> Chapter:
    path, meaning = kind_path(kind), KINDS[kind].meaning
    rows = [
        (link(code(shown_name(e)), component_path(e), path), e.provider, prose(summary(e) or "—"))
        for e in entries(kind)
    ]
    parts = [
        f"# {kind}",
        f"{prose(meaning[0].upper() + meaning[1:])}.{_shorthand(kind)}",
        table(("name", "provider", "summary"), rows),
    ]
    index = Page(path, kind, "\n\n".join(parts) + "\n")
    return Chapter(kind, [index, *(_page(entry, users.get(entry, ())) for entry in entries(kind))])


def _shorthand(kind: str) -> str:
    try:
        shorthand = base_class(kind).shorthand
    except ComponentError:
        return ""
    if shorthand is None:
        return ""
    name, _, parameter = shorthand.partition(".")
    return f" A bare number `n` stands for `{{type: {name}, {parameter}: n}}`."


def _page(entry: Entry, recipes: Sequence[str]) -> Page:
    path, name = component_path(entry), shown_name(entry)
    wrong = trouble(entry)
    about = describe(entry)
    parts = [
        f"# {prose(name)}",
        f"{link(entry.kind, kind_path(entry.kind), path)} of {entry.provider}",
        *([warning(str(wrong))] if wrong else []),
        *(_description(entry, about) if about else [_unreadable(entry)]),
        "## Recipes that use it",
        recipe_links(recipes, path) or "None of the shipped ones.",
    ]
    return Page(path, name, "\n\n".join(parts) + "\n")


def _description(entry: Entry, about: Description) -> list[str]:
    rows = [
        (
            code(each.name),
            code(each.type),
            "required" if each.default is None else code(each.default),
            prose(each.meaning),
        )
        for each in about.parameters
    ]
    ablations = [(code(name), prose(meaning)) for name, meaning in about.ablations.items()]
    # The path from the package on: where that is installed is nobody else's business.
    depth = entry.module.count(".") + (2 if about.file.stem == "__init__" else 1)
    source = "/".join(about.file.parts[-depth:])
    return [
        prose(about.doc) or "—",
        "## What a recipe says",
        table(("parameter", "type", "default", "meaning"), rows) if rows else "Nothing.",
        *(["## Ablations", table(("name", "what is then missing"), ablations)] * bool(ablations)),
        "## Source",
        f"{code(f'{source}:{about.line}')}, class {code(entry.attribute)}",
    ]


def _unreadable(entry: Entry) -> str:
    return warning(f"Its source cannot be read: {entry.value}")
