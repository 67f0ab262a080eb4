"""What others installed, as far as it shows without importing any of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement

from albefkit.doctor.finding import Finding, Status
from albefkit.doctor.requirements import needs
from albefkit.registry.installed import SWITCH, installed
from albefkit.registry.problems import problems
from albefkit.registry.trouble import What

SEVERITY: dict[What, Status] = {"clash": "warning", "shadowed": "warning"}
"""Names that must be written in full hinder nobody; whatever else is wrong with a plugin does."""


def plugins() -> Iterator[Finding]:
    """Who brings components, what they lack, and what is wrong with them."""
    others = sorted(
        {(e.distribution, e.version) for e in installed().everything() if not e.built_in}
    )
    found = ", ".join(f"{name} {version}" for name, version in others) or "none"
    setting = os.environ.get(SWITCH)
    left_out = sorted({entry.distribution for entry in installed().left_out})
    if left_out:
        found += f"; {SWITCH}={setting} leaves out {', '.join(left_out)}"
    looked = "`albefkit components --problems` also imports them" if others else ""
    yield Finding("plugins", "ok", found, looked)
    for name, version in others:
        yield from _lacking(name, version)
    for trouble in problems():
        about = ", ".join(trouble.providers) or "plugins"
        status = SEVERITY.get(trouble.what, "problem")
        yield Finding(about, status, trouble.message, trouble.hint)


def _lacking(name: str, version: str) -> Iterator[Finding]:
    try:
        unmet = [need for need in needs(name) if not need.met]
    except InvalidRequirement as error:
        found = f"its dependencies cannot be read: {str(error).splitlines()[0]}"
        yield Finding(f"{name} {version}", "warning", found, f"upgrade {name}")
        return
    for need in unmet:
        found = f"needs {need.name} {need.wanted}, and {need.there or 'none'} is installed".strip()
        advice = f"python -m pip install --upgrade {name}"
        yield Finding(f"{name} {version}", "problem", found, advice)
