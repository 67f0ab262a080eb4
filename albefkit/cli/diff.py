"""`albefkit diff`: what does one recipe say that another does not?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from albefkit.cli.options import recipe_or_run

if TYPE_CHECKING:
    from albefkit.recipe.load import Recipe


def command(
    first: Annotated[str, recipe_or_run("A")],
    second: Annotated[str, recipe_or_run("B")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show what differs between two recipes, every default said."""
    import json

    from albefkit.recipe.diff import diff

    changes = diff(_load(first).resolved, _load(second).resolved)
    if as_json:
        typer.echo(json.dumps([each.plain for each in changes], indent=2, ensure_ascii=False))
        return
    for each in changes:
        typer.echo(str(each))
    if not changes:
        typer.echo("both say the same")


def _load(name: str) -> Recipe:
    """A recipe, or that of a run."""
    from pathlib import Path

    from albefkit.engine.run_directory import RunDirectory
    from albefkit.recipe.load import load_recipe
    from albefkit.registry.errors import Problem, RecipeError

    path = Path(name).expanduser()
    if not path.is_dir():
        return load_recipe(name)
    run = RunDirectory(path)
    if not run.resolved.is_file():
        message = "holds no run, and a folder is no recipe"
        raise RecipeError(Problem("", name, message, "Give the folder of a run, or a recipe."))
    return load_recipe(run.resolved)
