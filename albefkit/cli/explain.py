"""`albefkit explain`: what a recipe builds, what one step computes and what that costs here."""

from __future__ import annotations

import typer

from albefkit.cli.options import DropOption, RecipeArgument, SetOption


def command(recipe: RecipeArgument, sets: SetOption = None, drops: DropOption = None) -> None:
    """Build a recipe, rehearse one small step, and show its parts and their cost."""
    from albefkit.assemble import assemble
    from albefkit.distributed import World
    from albefkit.engine.precision import choose_precision
    from albefkit.engine.readiness import make_ready
    from albefkit.explain.page import page
    from albefkit.explain.rehearsal import rehearse
    from albefkit.recipe.load import load_recipe
    from albefkit.running import choose_device

    checked = load_recipe(recipe, sets=sets or (), drops=drops or ())
    typer.echo(checked.to_yaml().rstrip())
    assembly, train = assemble(checked), checked.settings.train
    device = choose_device("auto", World())
    make_ready(assembly.pretrainer, train, device)
    rehearsal = rehearse(assembly, choose_precision(train.precision, device), train.batch_size)
    page(checked, assembly, rehearsal)
