"""What installed distributions declare, read from their metadata: nothing is imported."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from albefkit.registry.entry import HOME, Entry
from albefkit.registry.errors import Problem
from albefkit.registry.kinds import CONTRACT_VERSION, KINDS
from albefkit.registry.names import did_you_mean, fold

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

SWITCH = "ALBEFKIT_PLUGINS"
"""Environment variable: `none`, or the distributions that may bring components, with commas."""

_GROUP = re.compile(r"albefkit\.v(\d+)\.([a-z][a-z0-9_-]*)")
_VALUE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass
class Installed:
    """All claims to component names in this environment.

    Args:
        claims: kind -> name -> everybody who claims it.
        foreign: components written for another version of the contract; never loaded.
        problems: what is wrong with somebody's metadata.
    """

    claims: dict[str, dict[str, list[Entry]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    foreign: list[Entry] = field(default_factory=lambda: list[Entry]())
    problems: list[Problem] = field(default_factory=lambda: list[Problem]())


def installed() -> Installed:
    """Read the metadata of this environment; read again when `sys.path` or its folders change."""
    return _read(tuple((path, _changed(path)) for path in sys.path), os.environ.get(SWITCH))


def _changed(path: str) -> float:
    try:
        return Path(path or ".").stat().st_mtime
    except OSError:
        return 0.0


@lru_cache(maxsize=4)
def _read(path: tuple[tuple[str, float], ...], switch: str | None) -> Installed:
    result = Installed()
    allowed = _allowed(switch)
    seen: set[str] = set()
    for name, distribution in _distributions():
        if name in seen:
            continue
        seen.add(name)
        if name == HOME or allowed is None or name in allowed:
            _read_distribution(distribution, result)
    for name in sorted((allowed or set()) - seen):
        message = f"{SWITCH} names '{name}', which is not installed.{did_you_mean(name, seen)}"
        result.problems.append(Problem("", "", message))
    return result


def _allowed(switch: str | None) -> set[str] | None:
    if switch is None or not switch.strip():
        return None
    if switch.strip().lower() == "none":
        return set()
    return {fold(name.strip()) for name in switch.split(",") if name.strip()}


def _distributions() -> Iterator[tuple[str, Distribution]]:
    """Distributions that mention our groups, nearest on the path first, with normalised names."""
    from importlib.metadata import distributions

    for distribution in distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
            name = fold(distribution.metadata["Name"]) if "albefkit." in text else ""
        except Exception:  # somebody else's unreadable metadata is not ours to judge
            continue
        if name:
            yield name, distribution


def _read_distribution(distribution: Distribution, result: Installed) -> None:
    name = fold(distribution.metadata["Name"])
    version = str(distribution.metadata["Version"] or "")
    try:
        points = [point for point in distribution.entry_points if _GROUP.fullmatch(point.group)]
    except Exception as error:
        message = f"its entry_points.txt cannot be read: {error}"
        result.problems.append(Problem("", f"{name} {version}".strip(), message))
        return
    for point in points:
        _read_point(point, name, version, result)


def _read_point(point: EntryPoint, distribution: str, version: str, result: Installed) -> None:
    matched = _GROUP.fullmatch(point.group)
    assert matched is not None
    kind = matched[2]
    entry = Entry(kind, point.name, point.value.replace(" ", ""), distribution, version)
    label = f"{entry.provider}  {kind} '{entry.name}'"
    if int(matched[1]) != CONTRACT_VERSION:
        result.foreign.append(entry)
        message = f"written for contract v{matched[1]}, this albefkit speaks v{CONTRACT_VERSION}"
    elif kind not in KINDS:
        message = f"there is no kind '{kind}'.{did_you_mean(kind, KINDS)}"
    elif "/" in point.name or ":" in point.name or not point.name.strip():
        message = "a component's name has no '/' and no ':'"
    elif not _VALUE.fullmatch(entry.value):
        message = f"expected 'module:Class', got '{point.value}'"
    else:
        result.claims[kind].setdefault(entry.name, []).append(entry)
        return
    result.problems.append(Problem("", label, message))
