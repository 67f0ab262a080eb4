"""Contracts between the engine and its components, and how a breach is told."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

KIT = 'CONTRIBUTING.md, "The conformance kit"'
BUILT = "can-be-built"
BUILT_SENTENCE = "A component can be built from its options and neighbours, as a recipe does it."


class Labelled(Protocol):
    """Whatever is on trial."""

    @property
    def label(self) -> str:
        """What to call it in a message."""
        ...


T = TypeVar("T", bound=Labelled)
Of = TypeVar("Of", bound=Labelled, contravariant=True)


class ContractBroken(AssertionError):  # noqa: N818 - what it says is what happened
    """A component does not keep a contract.

    Args:
        contract: the contract's name, which does not change between versions.
        label: the component.
        sentence: what the contract says.
        seen: what was seen instead.
        read: where to read about it.
    """

    def __init__(self, contract: str, label: str, sentence: str, seen: str, read: str) -> None:
        self.contract = contract
        lines = [
            f"{label} breaks the contract '{contract}'",
            f"the contract: {sentence}",
            f"seen: {seen}",
            f"read: {read}",
        ]
        super().__init__("\n    ".join(lines))


class DoesNotApply(unittest.SkipTest):
    """A contract says nothing about this component; pytest counts the check as skipped."""


class Seen(Exception):  # noqa: N818 - becomes a `ContractBroken` on its way out
    """What a check saw that should not be."""


class Unbuildable(Exception):  # noqa: N818 - likewise
    """The component cannot be built, whatever is checked."""


def expect(holds: bool, seen: str) -> None:
    """Say what was seen where something does not hold.

    Raises:
        Seen: it does not.
    """
    if not holds:
        raise Seen(seen)


@dataclass(frozen=True)
class Contract(Generic[Of]):
    """One thing that every component of a kind keeps to.

    Args:
        name: stable: what a failure is known by.
        sentence: what it says.
        read: where to read about it.
        check: tries a component.
    """

    name: str
    sentence: str
    read: str
    check: Callable[[Of], None]

    def __call__(self, trial: Of) -> None:
        """Try a component.

        Raises:
            ContractBroken: it does something else.
            DoesNotApply: there is nothing to try.
        """
        try:
            self.check(trial)
        except (ContractBroken, unittest.SkipTest):
            raise
        except Unbuildable as error:
            seen = str(error)
            raise ContractBroken(BUILT, trial.label, BUILT_SENTENCE, seen, KIT) from error.__cause__
        except Seen as seen:
            raise self._broken(trial, str(seen)) from seen.__cause__
        except Exception as error:
            raise self._broken(trial, f"{type(error).__name__}: {error}") from error

    def _broken(self, trial: Of, seen: str) -> ContractBroken:
        read = f"{self.read}; {KIT}"
        return ContractBroken(self.name, trial.label, self.sentence, seen, read)


def contract(read: str) -> Callable[[Callable[[T], None]], Contract[T]]:
    """Make a function a contract: its name is the contract's, its docstring the sentence.

    Args:
        read: the class whose docstring says more.
    """

    def made(check: Callable[[T], None]) -> Contract[T]:
        name = getattr(check, "__name__", "").replace("_", "-")
        return Contract(name, " ".join((check.__doc__ or "").split()), read, check)

    return made
