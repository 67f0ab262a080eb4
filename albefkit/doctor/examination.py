"""Everything the doctor looks at; nothing that is broken stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from albefkit.doctor.devices import devices
from albefkit.doctor.environment import environment
from albefkit.doctor.finding import Finding
from albefkit.doctor.folders import folders
from albefkit.doctor.hub import hub
from albefkit.doctor.plugins import plugins

CHECKS: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
    ("environment", environment),
    ("devices", devices),
    ("folders", folders),
    ("hub", hub),
    ("plugins", plugins),
)


def examine() -> list[Finding]:
    """Look at the environment; nothing is changed, and no plugin is imported."""
    return [finding for about, check in CHECKS for finding in _examined(about, check)]


def _examined(about: str, check: Callable[[], Iterable[Finding]]) -> Iterable[Finding]:
    try:
        yield from check()
    except (Exception, SystemExit) as error:  # a broken environment breaks anything
        lines = str(error).splitlines() or [""]
        found = f"cannot be examined: {type(error).__name__}: {lines[0]}"
        advice = "mend what is wrong above, or install albefkit anew in an environment of its own"
        yield Finding(about, "problem", found, advice)
