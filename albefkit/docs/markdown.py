"""Texts of docstrings, types and tables in Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`+[^`]+`+)")


def prose(text: str) -> str:
    """A docstring's text: what is code there is code here, and nothing is HTML."""
    parts = _CODE.split(text)
    return "".join(p if i % 2 else html.escape(p, quote=False) for i, p in enumerate(parts))


def code(text: str) -> str:
    """A value or type; an empty one is seen."""
    mark = "``" if "`" in text else "`"
    return f"{mark}{text or repr(text)}{mark}"


def fence(text: str, language: str = "", title: str = "") -> str:
    """A block of code, whatever is in it."""
    marks = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`{3,}", text) or [""]))
    head = f'{language} title="{title}"' if title else language
    return f"{marks}{head}\n{text.rstrip()}\n{marks}"


def folded(title: str, text: str) -> str:
    """Something that is seen on request."""
    return "\n".join([f'??? note "{title}"', "", *(f"    {line}" for line in text.splitlines())])


def warning(text: str) -> str:
    """Something that is wrong."""
    return "\n".join(["!!! warning", "", *(f"    {prose(line)}" for line in text.splitlines())])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    parts = _CODE.split(" ".join(text.split()))
    return "".join(p if i % 2 else p.replace("|", r"\|") for i, p in enumerate(parts))
