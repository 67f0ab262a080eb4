"""Finding components by kind and name, and loading the one that is used.

Names are metadata: listing, suggesting and reporting a clash import nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from albefkit.registry.entry import HOME, Entry
from albefkit.registry.errors import ComponentError, Problem
from albefkit.registry.installed import installed
from albefkit.registry.kinds import KINDS
from albefkit.registry.loading import base_class, digest, load
from albefkit.registry.names import did_you_mean
from albefkit.registry.scope import scoped
from albefkit.registry.source import summary
from albefkit.registry.trouble import Trouble
from albefkit.registry.unseen import why_unseen

__all__ = ["Entry", "base_class", "by_kind", "entries", "find", "load", "summary"]


def entries(kind: str | None = None) -> list[Entry]:
    """Every component that a recipe can name, contested ones included, in order."""
    kinds = KINDS if kind is None else [known_kind(kind)]
    return [entry for each in kinds for name in _claims(each) for entry in _claims(each)[name]]


def by_kind(kind: str) -> dict[str, Entry]:
    """The names of a kind that mean one component, and that component."""
    owners = {name: _owner(claims) for name, claims in _claims(known_kind(kind)).items()}
    return {name: owner for name, owner in owners.items() if owner is not None}


def known_kind(kind: str) -> str:
    """`kind` itself, if there is such a kind."""
    if kind not in KINDS:
        message = f"there is no kind '{kind}'.{did_you_mean(kind, KINDS)}"
        raise ComponentError(Problem("", "", message, f"kinds: {', '.join(KINDS)}"))
    return kind


def find(kind: str, name: str, *, folder: Path | None = None) -> Entry:
    """The component that `name` means.

    Args:
        kind: one of `KINDS`.
        name: a name, `distribution/name`, or `path/to/file.py:Class`.
        folder: what the path of a file is relative to; the working directory if None.

    Raises:
        ComponentError: the name is unknown, claimed by several distributions, left out by
            `ALBEFKIT_PLUGINS`, or that of a component written for another contract.
    """
    known_kind(kind)
    if ".py:" in name:
        return _in_file(kind, name, folder or Path())
    claims = _claims(kind)
    for entry in (entry for claimed in claims.values() for entry in claimed):
        if entry.full_name == name:
            return entry
    if name not in claims:
        unseen = [each.problem for each in why_unseen(kind, name)]
        raise ComponentError(unseen or _unknown(kind, name))
    owner = _owner(claims[name])
    if owner is None:
        raise ComponentError(_contested(kind, name, claims[name]).problem)
    return owner


def shown_name(entry: Entry) -> str:
    """The name a recipe must write to mean this component."""
    return entry.name if by_kind(entry.kind).get(entry.name) == entry else entry.full_name


def trouble(entry: Entry) -> Trouble | None:
    """Why the bare name of a component does not mean it, if so."""
    claims = _claims(entry.kind).get(entry.name, [entry])
    owner = _owner(claims)
    if owner is None:
        return _contested(entry.kind, entry.name, claims)
    if owner != entry:
        message = f"{entry.kind} '{entry.name}' is built in: {entry.provider} does not replace it"
        return Trouble("shadowed", (entry.provider,), message, f"write {entry.full_name}")
    return None


def _claims(kind: str) -> Mapping[str, list[Entry]]:
    """Name -> everybody who claims it: built-in names first, each part in order of names."""
    claims = {
        name: sorted(claimed, key=lambda entry: entry.distribution)
        for name, claimed in installed().claims.get(kind, {}).items()
    }
    claims |= {name: [entry] for (of, name), (entry, _) in scoped().items() if of == kind}
    return dict(sorted(claims.items(), key=lambda item: (not _has_home(item[1]), item[0])))


def _has_home(claims: Iterable[Entry]) -> bool:
    return any(entry.built_in for entry in claims)


def _owner(claims: list[Entry]) -> Entry | None:
    """Who a bare name means: the built-in, or the only one."""
    owners = [entry for entry in claims if entry.built_in] or claims
    return owners[0] if len(owners) == 1 else None


def _unknown(kind: str, name: str) -> Problem:
    known = by_kind(kind)
    message = f"there is no {kind} '{name}'.{did_you_mean(name, known)}"
    for each in installed().problems:
        message += f"\n{each.message}" if each.what == "switch" else ""
    if not known:
        hint = f"{HOME} itself is not installed here: python -m pip install -e ."
        return Problem("", "", message, hint)
    providers: dict[str, list[str]] = {}
    for each, entry in known.items():
        providers.setdefault(entry.provider, []).append(each)
    listed = (f"{', '.join(names)} ({provider})" for provider, names in providers.items())
    return Problem("", "", message, "available: " + " · ".join(listed))


def _contested(kind: str, name: str, claims: list[Entry]) -> Trouble:
    claimants = tuple(entry.provider for entry in claims)
    choices = " or ".join(entry.full_name for entry in claims)
    message = f"{kind} '{name}' is claimed by {' and '.join(claimants)}"
    return Trouble("clash", claimants, message, f"write {choices}")


def _in_file(kind: str, name: str, folder: Path) -> Entry:
    path, _, attribute = name.rpartition(":")
    file = folder / os.path.expanduser(path)  # noqa: PTH111 - this one never raises
    try:
        file = file.resolve()
        version = digest(file)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        message = f"the file of '{name[:200]}' cannot be read: {reason}"
        raise ComponentError(Problem("", "", message, f"looked for {file}"[:200])) from None
    return Entry(kind, f"{file}:{attribute}", f"{file.stem}:{attribute}", "file", version, file)
