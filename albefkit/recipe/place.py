"""Where something in a recipe was said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from albefkit.registry.errors import Problem


@dataclass(frozen=True)
class Place:
    """A place a person can go to.

    Args:
        text: `file:line:column`, or `command line`.
        argument: the argument on the command line, as it was given.
        subject: the path in the recipe that the argument names.
        folder: what paths of files said here are relative to.
    """

    text: str
    argument: str = ""
    subject: str = ""
    folder: Path = Path()

    def problem(self, path: str, message: str, hint: str | None = None) -> Problem:
        """Something wrong here, at `path` in the recipe."""
        if self.argument:
            path = f"{self.argument}  {path}" if path not in ("", self.subject) else self.argument
        return Problem(self.text, path, message, hint)

    def __str__(self) -> str:
        return f"{self.text}  {self.argument}".rstrip()


def dotted(path: str, key: object) -> str:
    """`path` one step further."""
    return f"{path}.{key}" if path else str(key)
