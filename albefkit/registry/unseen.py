"""Components that are installed and cannot be named: of another contract, or left out by choice."""

from __future__ import annotations

import os

from albefkit.registry.entry import Entry
from albefkit.registry.installed import SWITCH, Foreign, installed
from albefkit.registry.kinds import CONTRACT_VERSION
from albefkit.registry.trouble import Trouble


def incompatible(foreign: Foreign) -> Trouble:
    """Why a component of another contract is not loaded, and which side to upgrade."""
    entry, theirs = foreign.entry, foreign.contract
    message = (
        f"{entry.label} is written for contract v{theirs}, this albefkit speaks v{CONTRACT_VERSION}"
    )
    hint = f"upgrade {entry.distribution}: python -m pip install --upgrade {entry.distribution}"
    if theirs > CONTRACT_VERSION:
        hint = (
            f"upgrade albefkit to one that speaks v{theirs}, or install an older "
            f"{entry.distribution}"
        )
    return Trouble("incompatible", (entry.provider,), message, hint)


def why_unseen(kind: str, name: str) -> list[Trouble]:
    """Why a name that nobody here answers to is not one's mistake; empty if it may be one."""
    here = installed()
    foreign = [incompatible(each) for each in here.foreign if _is(each.entry, kind, name)]
    return foreign + [_left_out(entry) for entry in here.left_out if _is(entry, kind, name)]


def _left_out(entry: Entry) -> Trouble:
    setting = f"{SWITCH}={os.environ.get(SWITCH, '')}"
    message = f"{entry.label} is left out by {setting}"
    hint = f"add {entry.distribution} to {SWITCH}, or unset it"
    return Trouble("switch", (entry.provider,), message, hint)


def _is(entry: Entry, kind: str, name: str) -> bool:
    return entry.kind == kind and name in (entry.name, entry.full_name)
