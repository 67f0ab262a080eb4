"""What a distribution declares that it needs, and what there is of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement


@dataclass(frozen=True)
class Need:
    """One declared dependency.

    Args:
        name: the distribution.
        wanted: the versions that will do; empty: any.
        there: the version that is installed, or None.
        met: whether that will do.
    """

    name: str
    wanted: str
    there: str | None
    met: bool


def needs(distribution: str) -> Iterator[Need]:
    """What a distribution needs in this environment, extras apart.

    Raises:
        PackageNotFoundError: it is not installed.
        InvalidRequirement: it declares what nobody can read.
    """
    for text in requires(distribution) or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(requirement.name)
        except PackageNotFoundError:
            there = None
        met = there is not None and requirement.specifier.contains(there, prereleases=True)
        yield Need(requirement.name, str(requirement.specifier), there, met)
