"""`albefkit compare`: is one run better than another, or does it only look so?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FOLDER = "The folder of a run, or one that holds runs of one recipe, one for each seed."


def command(
    first: Annotated[Path, typer.Argument(metavar="A", help=FOLDER, show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="B", help=FOLDER, show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the table here too: .csv, .md or .json.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compare what two runs found item by item: differences, intervals and tests."""
    from rich.console import Console

    from albefkit.ablation.comparing import compare
    from albefkit.ablation.comparison_table import WRITERS, rich_table, words
    from albefkit.engine.files import write_text
    from albefkit.registry.errors import Problem, RecipeError

    if out is not None and out.suffix not in WRITERS:
        message = f"the name of the file says no format; expected {', '.join(WRITERS)}"
        raise RecipeError(Problem("--out", str(out), message))
    comparison = compare(first, second)
    console = Console()
    console.print(rich_table(comparison))
    for line in words(comparison):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if out is None:
        return
    try:
        write_text(out, WRITERS[out.suffix](comparison))
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise RecipeError(Problem("--out", str(out), message)) from None
    console.print(f"{out}: written", markup=False, highlight=False, soft_wrap=True)
