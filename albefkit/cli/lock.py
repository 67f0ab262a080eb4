"""`albefkit lock`: pin the components of a recipe by distribution, version and source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from albefkit.cli.options import DropOption, RecipeArgument, SetOption


def command(
    recipe: RecipeArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write here, not to RECIPE's .lock.json (of a shipped recipe: in this directory).",
            show_default=False,
        ),
    ] = None,
    sets: SetOption = None,
    drops: DropOption = None,
) -> None:
    """Pin every component that a recipe uses, for `run --locked`."""
    from albefkit.engine.files import write_json
    from albefkit.recipe.library import shown
    from albefkit.recipe.load import load_recipe
    from albefkit.recipe.lock import lock_file, locked, read_lock
    from albefkit.registry.errors import Problem, RecipeError

    checked = load_recipe(recipe, sets=sets or (), drops=drops or ())
    file = out or lock_file(checked)
    if file.exists():
        read_lock(file)  # only what is a lock is replaced by one
    content = locked(checked, file)
    try:
        write_json(file, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecipeError(Problem(str(file), "", f"cannot be written: {reason}")) from None
    providers = {f"{pin['distribution']} {pin['version']}" for pin in content["components"]}
    listed = ", ".join(sorted(each.strip() for each in providers))
    typer.echo(f"{shown(file)}: {len(content['components'])} components of {listed}")
