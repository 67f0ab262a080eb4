"""Errors for people: where, what was given, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class AlbefkitWarning(UserWarning):
    """Something a user should know that does not stop the work."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong.

    Args:
        where: a place a person can go to, `file:line:column` or `command line`; may be empty.
        path: dotted path in the recipe, or the name of a file; may be empty.
        message: what was given and what was expected.
        hint: what to do, if it is known.
    """

    where: str
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        head = "  ".join(part for part in (self.where, self.path) if part)
        lines = [head] if head else []
        indent = "    " if head else ""
        lines += [indent + line for line in self.message.splitlines()]
        lines += [indent + line for line in (self.hint or "").splitlines()]
        return "\n".join(lines)


class AlbefkitError(Exception):
    """Base of every error that is the user's to mend; shown without a traceback."""

    exit_code: ClassVar[int] = 2

    def __init__(self, problems: str | Problem | Sequence[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem("", "", problems)
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RecipeError(AlbefkitError):
    """The recipe or the command line says something that cannot be done."""


class ComponentError(AlbefkitError):
    """A component is unknown, claimed twice, broken or cannot be built."""


class DataError(AlbefkitError):
    """The data are not what they should be."""

    exit_code = 3


class NumericError(AlbefkitError):
    """The numbers are no longer finite."""

    exit_code = 4


class Interrupted(AlbefkitError):  # noqa: N818 - not a mistake of anybody
    """Stopped from outside after saving; the run can be resumed."""

    exit_code = 5
