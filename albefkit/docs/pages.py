"""Pages of the site in Markdown, in chapters, and how they refer to each other."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Page:
    """One page.

    Args:
        path: of its file, from the top of the site: `components/objective/itm.md`.
        title: in the navigation.
        text: Markdown.
    """

    path: str
    title: str
    text: str


@dataclass(frozen=True)
class Chapter:
    """Pages under one title.

    Args:
        title: in the navigation.
        parts: pages and chapters in order; a page that comes first is the chapter's own.
    """

    title: str
    parts: Sequence[Page | Chapter]

    def pages(self) -> Iterator[Page]:
        """All pages, those of inner chapters where they stand."""
        for part in self.parts:
            if isinstance(part, Page):
                yield part
            else:
                yield from part.pages()

    def navigation(self) -> list[Any]:
        """The table of contents, as mkdocs reads it."""
        return [
            {part.title: part.path if isinstance(part, Page) else part.navigation()}
            for part in self.parts
        ]

    def write(self, folder: Path) -> None:
        """Every page as a file below `folder`."""
        for page in self.pages():
            file = folder / page.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(page.text, encoding="utf-8")


def link(text: str, to: str, page: str) -> str:
    """A reference from one page to another, or to a heading in it.

    Args:
        text: what is read, in Markdown.
        to: path from the top of the site, with `#heading` if need be.
        page: path of the page that it stands in.
    """
    return f"[{text}]({posixpath.relpath(to, posixpath.dirname(page))})"
