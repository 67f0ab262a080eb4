"""A component as metadata: its name, where its class is, and who provides it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOME = "albefkit"
"""The distribution whose components are the built-in ones."""


@dataclass(frozen=True)
class Entry:
    """One component, before anything of it is imported.

    Args:
        kind: its kind.
        name: what a recipe calls it.
        value: where its class is, `module:Class`.
        distribution: who provides it.
        version: the provider's version; for a file, the beginning of its digest.
        file: the file of a component that a recipe names by path.
    """

    kind: str
    name: str
    value: str
    distribution: str
    version: str
    file: Path | None = None

    @property
    def built_in(self) -> bool:
        """Whether albefkit itself provides it."""
        return self.distribution == HOME

    @property
    def provider(self) -> str:
        """Distribution and version, for people."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def label(self) -> str:
        """The component with its provider, for messages."""
        return f"{self.kind} '{self.name}' of {self.provider}"

    @property
    def full_name(self) -> str:
        """The name that is never ambiguous."""
        return f"{self.distribution}/{self.name}"

    @property
    def module(self) -> str:
        """The module of the class."""
        return self.value.partition(":")[0]

    @property
    def attribute(self) -> str:
        """The name of the class in its module, dotted where it is nested."""
        return self.value.partition(":")[2]
