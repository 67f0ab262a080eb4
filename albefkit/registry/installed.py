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
from albefkit.registry.kinds import CONTRACT_VERSION, KINDS
from albefkit.registry.names import did_you_mean, fold
from albefkit.registry.trouble import Trouble

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

SWITCH = "ALBEFKIT_PLUGINS"
"""Environment variable: `none`, or the distributions that may bring components, with commas."""

_GROUP = re.compile(r"albefkit\.v(\d+)\.([a-z][a-z0-9_-]*)")
_VALUE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Foreign:
    """A component written for another version of the contract; it is never loaded.

    Args:
        entry: the component.
        contract: the version it is written for.
    """

    entry: Entry
    contract: int


@dataclass
class Installed:
    """All claims to component names in this environment.

    Args:
        claims: kind -> name -> everybody who claims it.
        foreign: what is written for another version of the contract only.
        left_out: what `SWITCH` leaves out.
        problems: what is wrong with somebody's metadata, or with `SWITCH`.
    """

    claims: dict[str, dict[str, list[Entry]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    foreign: list[Foreign] = field(default_factory=lambda: list[Foreign]())
    left_out: list[Entry] = field(default_factory=lambda: list[Entry]())
    problems: list[Trouble] = field(default_factory=lambda: list[Trouble]())

    def everything(self) -> list[Entry]:
        """Every claim, one after another."""
        return [
            entry for names in self.claims.values() for claims in names.values() for entry in claims
        ]


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
        else:
            apart = Installed()
            _read_distribution(distribution, apart)
            result.left_out += apart.everything()
    result.problems += [_absent(name, seen) for name in sorted((allowed or set()) - seen)]
    return result


def _absent(name: str, seen: set[str]) -> Trouble:
    message = f"{SWITCH} names '{name}', and no distribution of that name brings components here."
    hint = f"python -m pip install {name}, or take it out of {SWITCH}"
    return Trouble("switch", (), message + did_you_mean(name, seen - {HOME}), hint)


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
        provider = f"{name} {version}".strip()
        message = f"the entry_points.txt of {provider} cannot be read: {error}"
        hint = f"install it again: python -m pip install --force-reinstall {name}"
        result.problems.append(Trouble("metadata", (provider,), message, hint))
        return
    foreign: list[Foreign] = []
    for point in points:
        _read_point(point, name, version, result, foreign)
    # Who offers the same for our contract too lacks nothing here.
    ours = {(e.kind, e.name) for e in result.everything() if e.distribution == name}
    result.foreign += [f for f in foreign if (f.entry.kind, f.entry.name) not in ours]


def _read_point(
    point: EntryPoint, distribution: str, version: str, result: Installed, foreign: list[Foreign]
) -> None:
    matched = _GROUP.fullmatch(point.group)
    assert matched is not None
    kind = matched[2]
    entry = Entry(kind, point.name, point.value.replace(" ", ""), distribution, version)
    if int(matched[1]) != CONTRACT_VERSION:
        foreign.append(Foreign(entry, int(matched[1])))
        return
    if kind not in KINDS:
        reason = f"there is no kind '{kind}'.{did_you_mean(kind, KINDS)}"
    elif "/" in point.name or ":" in point.name or not point.name.strip():
        reason = "a component's name has no '/' and no ':'"
    elif not _VALUE.fullmatch(entry.value):
        reason = f"expected 'module:Class', got '{point.value}'"
    else:
        result.claims[kind].setdefault(entry.name, []).append(entry)
        return
    message = f"{entry.label} cannot be named: {reason}"
    hint = f"mend the entry points of {distribution} and install it again"
    result.problems.append(Trouble("metadata", (entry.provider,), message, hint))
