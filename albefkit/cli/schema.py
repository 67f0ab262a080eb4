"""`albefkit schema`: what editors need to complete and explain a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write here, not to the terminal.", show_default=False),
    ] = None,
) -> None:
    """Write the JSON schema of a recipe, with all installed components."""
    import json

    from albefkit.recipe.schema import schema
    from albefkit.registry.errors import Problem, RecipeError

    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecipeError(Problem(str(out), "", f"cannot be written: {reason}")) from None
    typer.echo(f"{out}: written")
