"""`albefkit vqa-answers`: the closed list of answers, from training questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Training questions: JSON lists, released format."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the list; an existing file is replaced.",
            show_default="answer_list.json beside the first file",
        ),
    ] = None,
    least: Annotated[
        int, typer.Option(min=1, help="Leave out answers given less often than this.")
    ] = 1,
    most: Annotated[
        int | None,
        typer.Option(min=1, help="Keep only so many, the commonest.", show_default="all"),
    ] = None,
) -> None:
    """Make the list of answers that may be chosen: the commonest first, then by the alphabet."""
    from albefkit.data.answer_list import NAME, make_answer_list, write_answer_list
    from albefkit.registry.errors import DataError, Problem

    path = out or files[0].parent / NAME
    if out is None and path.exists():
        hint = f"Say --out {path} to replace it, or name another file."
        raise DataError(Problem(str(path), "", "this file is there already.", hint))
    made = make_answer_list(files, least, most)
    write_answer_list(path, made.answers)
    typer.echo(
        f"{path}: {len(made.answers)} answers; {made.covered} of {made.questions} questions have "
        "one of them"
    )
