"""Where the pages of kinds, components and recipes are, for all who refer to them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from albefkit.docs.markdown import code
from albefkit.docs.pages import link
from albefkit.registry.catalogue import shown_name
from albefkit.registry.entry import Entry

_ODD = re.compile(r"^(?:index|README)$|[^\w-]")
"""What a page's file is not called: mkdocs takes those two for the page of a folder."""


def kind_path(kind: str) -> str:
    """Where the index of a kind is."""
    return f"components/{kind}/index.md"


def component_path(entry: Entry) -> str:
    """Where the page of a component is; no two share one."""
    name = _ODD.sub(lambda odd: "".join(f"~{ord(c):x}" for c in odd[0]), shown_name(entry))
    return f"components/{entry.kind}/{name}.md"


def recipe_path(name: str) -> str:
    """Where the page of a shipped recipe is."""
    return f"recipes/{name}.md"


def recipe_links(names: Iterable[str], page: str) -> str:
    """Shipped recipes by name, each with its page."""
    return ", ".join(link(code(name), recipe_path(name), page) for name in names)
