"""`albefkit convert`: released checkpoints in and out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

RELEASED = (".pth", ".pt")
"""Endings of files with released names."""
SHOWN = 5
"""So many names of one kind are listed."""


def command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A released checkpoint; or a run's folder, or one of its checkpoints.",
            show_default=False,
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="TARGET",
            help="The folder of a run to be; or a .pth file with the names of the released code.",
            show_default=False,
        ),
    ],
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The vocab.txt of bert-base-uncased, or a tokenizer.json.",
            show_default="from the cache or the hub, if they have it",
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON list of the answers that may be chosen (answer_list.json).",
            show_default=False,
        ),
    ] = None,
    heads: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Heads of attention, which tensors do not tell.",
            show_default="one for every 64 of the width",
        ),
    ] = None,
) -> None:
    """Make a run of a released checkpoint; or, if TARGET ends in .pth, a released file of a run."""
    if target.suffix in RELEASED:
        given = {"--tokenizer": tokenizer, "--answers": answers, "--heads": heads}
        if spare := [name for name, value in given.items() if value is not None]:
            raise typer.BadParameter(f"{spare[0]} says nothing where TARGET is a {target.suffix}")
        _export(source, target)
        return
    from albefkit.models.converting import Wishes, convert_released

    done = convert_released(source, target, Wishes(tokenizer, answers, heads))
    typer.echo(done.report.summary())
    _list("missing", done.recognised.missing)
    _list("unknown, left behind", done.recognised.unknown)
    if done.tokenizer is None:
        typer.echo(
            "no tokenizer: give --tokenizer vocab.txt, else the run can only be started from"
        )
    typer.echo(f"{target}: {done.recognised.layout.name}")


def _export(source: Path, target: Path) -> None:
    from albefkit.interop.exporting import export_released

    done = export_released(source, target)
    _list("not in the run, copied from the student", done.copied)
    _list("missing", done.missing)
    _list("without a part in the released code, left behind", done.left)
    for note in done.notes:
        typer.echo(note)
    typer.echo(f"{target}: {done.layout.name}")


def _list(what: str, names: Sequence[str]) -> None:
    if names:
        typer.echo(f"{len(names)} {what}:")
    for name in names[:SHOWN]:
        typer.echo(f"  {name}")
    if len(names) > SHOWN:
        typer.echo(f"  and {len(names) - SHOWN} more")
