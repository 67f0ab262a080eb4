"""Who provided the components of a run, remembered for when they are no longer here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

from albefkit.registry.errors import Problem, RecipeError

MANIFESTS = {"resolved.yaml": "manifest.json", "config.json": "config.json"}
"""File with a resolved recipe -> file beside it that says who provided its components."""


def with_providers(error: RecipeError, source: Path) -> RecipeError:
    """The same error; where a run's component cannot be had, with the distribution to install.

    Args:
        error: why the recipe in `source` is not right here.
        source: its file; only those of runs and saved models have such a memory.
    """
    providers = dict(_providers(source))
    return RecipeError([_advised(problem, providers) for problem in error.problems])


def _advised(problem: Problem, providers: dict[str, tuple[str, str]]) -> Problem:
    provider = providers.get(problem.path.removesuffix(".type"))
    if provider is None:
        return problem
    name, then = provider
    try:
        now = version(name)
    except PackageNotFoundError:
        now = None
    if now == then:
        return problem
    here = "which is not installed" if now is None else f"and {now} is installed"
    hint = f"it was {name} {then}'s, {here}: python -m pip install {name}=={then}"
    return replace(problem, hint=hint)


def _providers(source: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Path in the recipe -> distribution and version, as far as it can be read."""
    if source.name not in MANIFESTS:
        return
    try:
        text = source.with_name(MANIFESTS[source.name]).read_text(encoding="utf-8")
        content = json.loads(text)
        listed = cast("list[dict[str, Any]]", content.get("provenance", content)["components"])
        for each in listed:
            if each["distribution"] != "file":
                yield str(each["path"]), (str(each["distribution"]), str(each["version"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # it is lost or damaged: the error is then as it would be without it
