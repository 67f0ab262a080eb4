"""Arguments that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer


def _complete_recipe(incomplete: str) -> list[str]:
    from albefkit.recipe.library import shipped

    return [name for name in shipped() if name.startswith(incomplete)]


RecipeArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A recipe file, or the bare name of a shipped recipe.",
        autocompletion=_complete_recipe,
        show_default=False,
    ),
]


def recipe_or_run(name: str) -> typer.models.ArgumentInfo:
    """An argument that is a recipe, or the folder of a run, which has one."""
    return typer.Argument(
        metavar=name,
        help="A recipe file, the bare name of a shipped recipe, or the folder of a run.",
        autocompletion=_complete_recipe,
        show_default=False,
    )


SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change one thing, as in --set train.epochs=3; may be repeated.",
        show_default=False,
    ),
]

DropOption = Annotated[
    list[str] | None,
    typer.Option(
        "--drop",
        metavar="NAME",
        help="Take out an objective, or an idea that a component names; may be repeated.",
        show_default=False,
    ),
]
