"""Everything that is wrong with the components of an environment, each with what to do."""

from __future__ import annotations

import contextlib
import sys

from albefkit.registry.catalogue import entries, trouble
from albefkit.registry.entry import Entry
from albefkit.registry.errors import ComponentError
from albefkit.registry.installed import SWITCH, installed
from albefkit.registry.loading import load
from albefkit.registry.locate import missing
from albefkit.registry.trouble import Trouble
from albefkit.registry.unseen import incompatible


def problems(*, importing: bool = False) -> list[Trouble]:
    """What is wrong with what is installed, nobody's trouble twice.

    Args:
        importing: import what others provide, to see whether it can be; otherwise only what
            metadata and sources show is found, and nothing is imported.
    """
    here = installed()
    foreign = [incompatible(each) for each in here.foreign]
    named = [found for entry in entries() if (found := trouble(entry))]
    broken = [found for entry in entries() if (found := _broken(entry, importing))]
    return list(dict.fromkeys([*here.problems, *foreign, *named, *broken]))


def _broken(entry: Entry, importing: bool) -> Trouble | None:
    reason = missing(entry)
    hint = f"install {entry.distribution} again"
    if reason is None and importing and not entry.built_in:
        error = _failure(entry)
        reason = chain(error) if error is not None else None
        lacks = error.name if isinstance(error, ModuleNotFoundError) else None
        hint = f"install what it needs, '{lacks}'" if lacks else f"upgrade {entry.distribution}"
    if reason is None:
        return None
    if not entry.built_in:
        hint += f", or uninstall it, or leave it out with {SWITCH}"
    message = f"{entry.label} cannot be loaded: {reason}"
    return Trouble("broken", (entry.provider,), message, hint)


def _failure(entry: Entry) -> BaseException | None:
    """What stops a component from being loaded; what its import prints goes to stderr."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            load(entry)
    except ComponentError as error:
        return error.__cause__ or error
    return None


def chain(error: BaseException | None) -> str:
    """An error and what it came from, in one line."""
    links: list[str] = []
    while error is not None:
        lines = str(error).splitlines()
        links.append(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)
        context = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or context
    return ", because of ".join(links)
