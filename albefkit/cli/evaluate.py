"""`albefkit evaluate`: what a trained model knows, in figures and item by item."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from albefkit.cli.model_options import ModelArgument, Weights, WeightsOption
from albefkit.cli.options import SetOption
from albefkit.cli.run import Device


class Split(StrEnum):
    """A part of a dataset."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


def _complete_evaluator(incomplete: str) -> list[str]:
    from albefkit.registry.catalogue import by_kind

    return [name for name in by_kind("evaluator") if name.startswith(incomplete)]


def command(
    run: ModelArgument,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="EVALUATOR",
            help="Only this one of the run's evaluators, or any other, as in --on vqa.",
            autocompletion=_complete_evaluator,
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option(help="What on; otherwise what each evaluator says.", show_default=False),
    ] = None,
    sets: SetOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to; otherwise below evaluations/ in the run."),
    ] = None,
    weights: WeightsOption = Weights.BEST,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.AUTO,
) -> None:
    """Evaluate a trained model, on its own data or, by --set data.root=DIR, on others."""
    from rich.console import Console

    from albefkit.engine.display import results_table
    from albefkit.models.evaluating import Wishes, evaluate

    console = Console()
    wishes = Wishes(
        on=on,
        split=None if split is None else split.value,
        sets=sets or (),
        out=out,
        weights=weights.value,
        device=device.value,
    )
    evaluation = evaluate(run, wishes, console)
    console.print(results_table(dict(evaluation.results)))
    written = evaluation.folder / "metrics.json"
    console.print(f"{written}", highlight=False, soft_wrap=True)
