"""`albefkit docs`: a site about what is installed here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Make documentation from what is installed here.")


@app.callback()
def _docs() -> None:
    """Make documentation from what is installed here."""


@app.command("build")
def build(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="New, empty, or a former site, which is replaced.")
    ] = Path("site"),
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing if there is anything to warn of.")
    ] = False,
) -> None:
    """Write a site of every component, recipe key, recipe, verb and tutorial.

    It can be read from the disk; to search in it: python -m http.server -d site
    """
    from albefkit.cli.main import VERBS, application
    from albefkit.docs.contents import contents
    from albefkit.docs.site import build_site

    site = build_site(out, lambda: contents(application(VERBS)), strict=strict)
    for warning in site.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{site.folder / 'index.html'}: {site.pages} pages")
