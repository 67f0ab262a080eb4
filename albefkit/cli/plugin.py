"""`albefkit plugin`: components of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from albefkit.cli.components import complete_kind

app = typer.Typer(no_args_is_help=True, help="Make components of your own.")


@app.callback()
def _plugin() -> None:
    """Make components of your own."""


@app.command("new")
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the distribution: albefkit-swin.")
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What its component is: vision, objective, dataset, ...",
            autocompletion=complete_kind,
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder to write, new or empty.", show_default="./NAME"
        ),
    ] = None,
    component: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What recipes call the component.",
            show_default="NAME without albefkit-",
        ),
    ] = None,
    summary: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What it does, in a line.",
            show_default="what the component to begin with does",
        ),
    ] = None,
) -> None:
    """Write a distribution with one working component: entry point, recipe, tests, README, CI."""
    import shlex

    from albefkit.registry.catalogue import known_kind
    from albefkit.scaffold.plan import Plan, component_of, require_possible, sentence
    from albefkit.scaffold.writing import render, usual_summary, write

    said = usual_summary(known_kind(kind)) if summary is None else sentence(summary)
    plan = Plan(name, kind, component or component_of(name), said)
    require_possible(plan)
    folder = out or Path(name)
    write(render(plan), folder)
    place = shlex.quote(str(folder))
    typer.echo(
        f"{folder}: a distribution with {kind} '{plan.component}'\n\n"
        f"  python -m pip install -e {place}\n"
        f"  pytest {place}\n"
        f"  albefkit components {kind} {plan.component}\n"
        f"  albefkit check {shlex.quote(str(folder / 'recipes' / plan.component))}.yaml"
    )
