"""`albefkit explain`: what a recipe builds, what one step computes and what that costs here."""

from __future__ import annotations

import typer

from albefkit.cli.options import DropOption, RecipeArgument, SetOption


def command(recipe: RecipeArgument, sets: SetOption = None, drops: DropOption = None) -> None:
    """Build a recipe, rehearse one small step, and show its parts and their cost."""
    from albefkit.assemble import assemble
    from albefkit.explain.page import page
    from albefkit.explain.rehearsal import rehearsal_batch, rehearse
    from albefkit.recipe.load import load_recipe

    checked = load_recipe(recipe, sets=sets or (), drops=drops or ())
    typer.echo(checked.to_yaml().rstrip())
    assembly = assemble(checked)
    rehearsal = rehearse(assembly, rehearsal_batch(assembly), checked.settings.train.batch_size)
    page(checked, assembly, rehearsal)
