"""Reading docstrings: the first line, and what the `Args:` section says about each name."""

from __future__ import annotations

import inspect
import re

_ITEM = re.compile(r"(\w+)(?: *\([^)]*\))?: *(.*)")


def summary_line(doc: str) -> str:
    """The first line of a docstring."""
    return doc.strip().partition("\n")[0].strip()


def meanings(doc: str) -> dict[str, str]:
    """Name -> meaning, from the `Args:` section of a Google-style docstring."""
    lines = inspect.cleandoc(doc).splitlines()
    if "Args:" not in [line.strip() for line in lines]:
        return {}
    start = [line.strip() for line in lines].index("Args:")
    own = len(lines[start]) - len(lines[start].lstrip())
    found: dict[str, str] = {}
    name, indent = "", 0
    for line in lines[start + 1 :]:
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth <= own:
            break
        indent = indent or depth
        item = _ITEM.fullmatch(line.strip())
        if line.strip() and depth == indent and item:
            name, found[item[1]] = item[1], item[2]
        elif line.strip() and name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found
