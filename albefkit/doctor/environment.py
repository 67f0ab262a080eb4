"""Python, albefkit and what albefkit needs, against the versions it declares."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

import albefkit
from albefkit.doctor.finding import Finding
from albefkit.doctor.requirements import Need, needs
from albefkit.registry.entry import HOME

INSTALL = "install it: python -m pip install -e ."


def environment() -> Iterator[Finding]:
    """Versions, and whether they will do."""
    try:
        declared = metadata(HOME)
    except PackageNotFoundError:
        found = "has no metadata here, so none of its components has a name"
        yield Finding(HOME, "problem", found, INSTALL)
        return
    yield _python(str(declared["Requires-Python"] or ""))
    yield _albefkit(str(declared["Version"]))
    for need in needs(HOME):
        yield _dependency(need)


def _python(wanted: str) -> Finding:
    here = platform.python_version()
    found = f"{here}, wanted {wanted or 'any'}"
    if SpecifierSet(wanted).contains(here, prereleases=True):
        return Finding("Python", "ok", found)
    return Finding("Python", "problem", found, "make an environment with another Python")


def _albefkit(declared: str) -> Finding:
    code = albefkit.__version__
    found = f"{code} in {Path(albefkit.__file__).parent}"
    if declared == code:
        return Finding(HOME, "ok", found)
    found += f", and its metadata are those of {declared}"
    return Finding(HOME, "warning", found, "install it again: python -m pip install -e .")


def _dependency(need: Need) -> Finding:
    found = f"{need.there or 'not installed'}, wanted {need.wanted or 'any'}"
    if need.met:
        return Finding(need.name, "ok", found)
    advice = f"python -m pip install {shlex.quote(need.name + need.wanted)}"
    return Finding(need.name, "problem", found, advice)
