"""What is wrong with something installed: what, whose, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from albefkit.registry.errors import Problem

What = Literal["broken", "incompatible", "clash", "shadowed", "metadata", "switch"]


@dataclass(frozen=True)
class Trouble:
    """Something wrong with what is installed.

    Args:
        what: of which sort: it cannot be imported; it is written for another contract; a name is
            claimed twice; a name is a built-in one's; metadata make no sense; so does
            `ALBEFKIT_PLUGINS`.
        providers: whose it is, distributions with their versions; empty where it is nobody's.
        message: what was found and what was expected, in a sentence.
        hint: what to do.
    """

    what: What
    providers: tuple[str, ...]
    message: str
    hint: str

    @property
    def problem(self) -> Problem:
        """The same, for an error about whoever met it."""
        return Problem("", "", self.message, self.hint)

    def __str__(self) -> str:
        return str(Problem(self.what, ", ".join(self.providers), self.message, self.hint))
