"""Arguments of the verbs that use a trained model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

ModelArgument = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A run's folder, one of its checkpoints, or what save_pretrained wrote.",
        show_default=False,
    ),
]


class Weights(StrEnum):
    """Which checkpoint of a run."""

    BEST = "best"
    LAST = "last"


WeightsOption = Annotated[
    Weights,
    typer.Option(help="Which checkpoint; where none was found best, the last stands for it."),
]
