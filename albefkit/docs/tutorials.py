"""Tutorials: each is one Markdown file, which is a page here and a test in tests/docs.

What a tutorial tells to type is run as it stands: blocks of `sh` and `python` in order, after
blocks with a `title` have been written to the file of that name. Blocks of `console` are only
shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from albefkit.docs.pages import Chapter, Page

FOLDER = Path(__file__).resolve().parent / "tutorials"

_BLOCK = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One fenced block of a tutorial.

    Args:
        language: `sh`, `python`, `yaml`, or `console` for what is only shown.
        title: the file that it is to be written to; empty: none.
        text: what stands in it.
    """

    language: str
    title: str
    text: str


def tutorial_files() -> list[Path]:
    """The tutorials in the order in which they are best read."""
    return sorted(FOLDER.glob("*.md"))


def blocks(tutorial: str) -> list[Block]:
    """The fenced blocks of a tutorial, in order."""
    return [
        Block(found["language"], found["title"] or "", found["text"])
        for found in _BLOCK.finditer(tutorial)
    ]


def tutorial_chapter() -> Chapter:
    """A page for each tutorial."""
    return Chapter("Tutorials", [_page(file) for file in tutorial_files()])


def _page(file: Path) -> Page:
    text = file.read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix("# ")
    return Page(f"tutorials/{file.name.partition('_')[2]}", title, text)
