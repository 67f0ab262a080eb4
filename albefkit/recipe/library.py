"""Where recipes are: anybody's by path, the shipped ones by bare name."""

from __future__ import annotations

import os
from pathlib import Path

from albefkit.registry.errors import Problem, RecipeError
from albefkit.registry.names import did_you_mean

SUFFIX = ".yaml"


def shipped_folder() -> Path:
    """The folder of the shipped recipes: in the wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "recipes"
    return packaged if packaged.is_dir() else package.parent / "recipes"


def shipped() -> list[str]:
    """The bare names of the shipped recipes."""
    folder = shipped_folder()
    files = folder.rglob(f"*{SUFFIX}") if folder.is_dir() else ()
    return sorted(file.relative_to(folder).with_suffix("").as_posix() for file in files)


def find_recipe(name: str, folder: Path | None = None) -> Path:
    """The file that `name` means: a path, or the bare name of a shipped recipe.

    Args:
        name: as a person writes it.
        folder: what a path is relative to; the working directory if None.

    Raises:
        RecipeError: there is no such recipe.
    """
    path = (folder or Path()) / os.path.expanduser(name)  # noqa: PTH111 - this one never raises
    try:
        if name and path.exists():
            return path.resolve()
    except (OSError, ValueError) as error:
        problem = Problem("", "", f"'{name[:40]}...' is not the name of a file: {error.args[-1]}")
        raise RecipeError(problem) from None
    bare = name.removesuffix(SUFFIX)
    known = shipped()
    if bare in known:
        return (shipped_folder() / (bare + SUFFIX)).resolve()
    message = f"there is no recipe '{name}'.{did_you_mean(Path(bare).name, known)}"
    raise RecipeError(Problem("", "", message, f"shipped: {', '.join(known)}"))


def shown(path: Path) -> str:
    """A path as messages name it: short where it lies below the working directory."""
    resolved, here = path.resolve(), Path.cwd()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(resolved)
