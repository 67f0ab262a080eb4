"""Which code a result came from: two results of different code do not belong in one table."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import albefkit
from albefkit.recipe.spec import ComponentSpec

SHOWS_ONLY = frozenset({"ablation", "cli", "explain", "gradcam", "models", "report"})
"""Rooms whose code shows results and does not make them."""


def code_version(specs: list[ComponentSpec]) -> str:
    """A digest of the code that results depend on: ours, and the versions of plugins in use."""
    plugins = {f"{spec.entry.distribution} {spec.entry.version}" for spec in specs}
    text = "\n".join([_own_code(), *sorted(plugins)])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@cache
def _own_code() -> str:
    package = Path(albefkit.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        name = file.relative_to(package)
        if name.parts[0] not in SHOWS_ONLY:
            digest.update(name.as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
