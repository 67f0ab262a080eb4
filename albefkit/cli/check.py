"""`albefkit check`: is a recipe right, without building anything?"""

from __future__ import annotations

import typer

from albefkit.cli.options import DropOption, RecipeArgument, SetOption


def command(recipe: RecipeArgument, sets: SetOption = None, drops: DropOption = None) -> None:
    """Check a recipe without building anything."""
    from albefkit.recipe.library import shown
    from albefkit.recipe.load import load_recipe

    checked = load_recipe(recipe, sets=sets or (), drops=drops or ())
    number = len(checked.components())
    typer.echo(f"{shown(checked.source)}: OK, {number} components, hash {checked.hash}")
