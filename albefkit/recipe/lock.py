"""Locks: which code a recipe's components were, so that a run can insist on the same."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from albefkit.recipe.library import shipped_folder, shown
from albefkit.recipe.load import Recipe
from albefkit.recipe.spec import ComponentSpec
from albefkit.registry.errors import Problem, RecipeError
from albefkit.registry.source_digest import source_digest

FORMAT = "albefkit-lock-1"
SUFFIX = ".lock.json"


@dataclass(frozen=True)
class Pin:
    """One component as it was.

    Args:
        kind: its kind.
        name: its type, as the recipe names it; a file's path is relative to the lock.
        distribution: who provided it; `file` for a component in a file.
        version: the distribution's version; empty for a file.
        hash: see `source_digest`.
    """

    kind: str
    name: str
    distribution: str
    version: str
    hash: str

    @property
    def provider(self) -> str:
        """Distribution and version, for people."""
        return f"{self.distribution} {self.version}".strip()


def lock_file(recipe: Recipe) -> Path:
    """Where the lock of a recipe is: beside it; a shipped recipe's in the working directory."""
    name = f"{recipe.source.stem}{SUFFIX}"
    ours = recipe.source.is_relative_to(shipped_folder().resolve())
    return Path(name) if ours else recipe.source.with_name(name)


def pins(recipe: Recipe, file: Path) -> list[Pin]:
    """Every component of a recipe as it is now, for the lock `file`, each once.

    Raises:
        ComponentError: a source cannot be read.
    """
    return list(dict.fromkeys(_pin(spec, file) for spec in recipe.components()))


def locked(recipe: Recipe, file: Path) -> dict[str, Any]:
    """What the lock of a recipe holds."""
    components = [asdict(pin) for pin in pins(recipe, file)]
    return {"format": FORMAT, "recipe": recipe.name, "components": components}


def read_lock(file: Path) -> list[Pin]:
    """The pins of a lock.

    Raises:
        RecipeError: there is none, or it is not one.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        names = [each.name for each in fields(Pin)]
        return [Pin(*(str(pin[name]) for name in names)) for pin in content["components"]]
    except FileNotFoundError:
        message, hint = "there is no such lock", "write one: albefkit lock RECIPE"
    except OSError as error:
        message, hint = f"cannot be read: {error.strerror}", None
    except (ValueError, KeyError, TypeError) as error:
        message = f"is not a lock that albefkit wrote: {type(error).__name__}: {error}"
        hint = "write it again: albefkit lock RECIPE"
    raise RecipeError(Problem(shown(file), "", message, hint))


def require_locked(recipe: Recipe, file: Path) -> None:
    """Refuse a recipe with a component that is not what its lock says.

    Pins that the recipe does not use, because something was dropped, are nobody's concern.

    Raises:
        RecipeError: everything that differs, or there is no lock.
    """
    before = {(pin.kind, pin.name): pin for pin in read_lock(file)}
    found = [
        problem
        for now in pins(recipe, file)
        if (problem := _difference(before.get((now.kind, now.name)), now, file))
    ]
    if found:
        raise RecipeError(found)


def _pin(spec: ComponentSpec, file: Path) -> Pin:
    entry, name, version = spec.entry, spec.name, spec.entry.version
    if entry.file is not None:
        folder = file.absolute().parent.resolve()
        path = Path(os.path.relpath(entry.file, folder)).as_posix()
        name, version = f"{path}:{entry.attribute}", ""
    return Pin(spec.kind, name, entry.distribution, version, source_digest(entry))


def _difference(was: Pin | None, now: Pin, file: Path) -> Problem | None:
    if was == now:
        return None
    path = f"{now.kind} '{now.name}'"
    anew = "or pin what is here now: albefkit lock RECIPE"
    if was is None:
        message = f"of {now.provider} is not in the lock"
        return Problem(shown(file), path, message, f"take it out of the recipe, {anew}")
    changes = [
        f"{what}: was {old}, is {new}"
        for what, old, new in (
            ("distribution", was.distribution, now.distribution),
            ("version", was.version, now.version),
            ("hash", _short(was.hash), _short(now.hash)),
        )
        if old != new
    ]
    if was.provider == now.provider:
        hint = f"it, or what it imports of its package or of albefkit, was edited: undo it, {anew}"
    else:
        hint = f"python -m pip install {was.distribution}=={was.version}, {anew}"
    return Problem(shown(file), path, "\n".join(changes), hint)


def _short(digest: str) -> str:
    """Enough of a digest to tell two apart."""
    return digest[: len("sha256:") + 12]
