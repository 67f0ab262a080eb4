"""`albefkit predict`: what a trained model says about an image and a text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from albefkit.cli.model_options import ModelArgument, Weights, WeightsOption
from albefkit.cli.run import Device

if TYPE_CHECKING:
    from albefkit.models.model import Model

SHOWN = 5
"""So many classes or answers at most are shown."""


def command(
    run: ModelArgument,
    image: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="The image; repeated for models that look at several at once.",
            show_default=False,
        ),
    ],
    text: Annotated[str, typer.Option(metavar="TEXT", help="A caption, statement or question.")],
    candidates: Annotated[
        list[str] | None,
        typer.Option(
            "--candidate",
            metavar="ANSWER",
            help="An answer to choose from, in place of those of training; may be repeated.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The Grad-CAM picture; otherwise IMAGE.gradcam.png in the working directory.",
            show_default=False,
        ),
    ] = None,
    weights: WeightsOption = Weights.BEST,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.AUTO,
) -> None:
    """Say how an image and a text go together, as far as a trained model can tell."""
    from albefkit.models.loading import load
    from albefkit.registry.errors import ComponentError

    model = load(run, weights=weights.value, device=device.value)
    shown = [tuple(image)]
    said = {
        "similarity": lambda: f"{model.similarity(shown, text)[0, 0]:.3f}",
        "match": lambda: _percent(float(model.match(shown, text)[0])),
        "classify": lambda: _listed(model.classify(shown, text)[0]),
        "answer": lambda: _answer(model, shown, text, candidates),
        "ground": lambda: _map(model, image[0], text, out),
    }
    if not model.abilities:
        raise ComponentError(f"{run}: this model has nothing to say about a text and an image")
    for ability in model.abilities:
        typer.echo(f"{ability:<12}{said[ability]()}")


def _answer(
    model: Model, images: list[tuple[Path, ...]], question: str, candidates: list[str] | None
) -> str:
    """The likeliest of a list, if there is one; otherwise what the model writes."""
    if candidates or model.classes:
        return _listed(model.rank(images, question, candidates, count=SHOWN)[0])
    return model.answer(images, question)[0]


def _map(model: Model, image: Path, text: str, out: Path | None) -> str:
    """Where the Grad-CAM picture is, or why there is none."""
    from albefkit.registry.errors import ComponentError, Problem, RecipeError

    path = out or Path(f"{image.stem}.gradcam.png")
    try:
        grounded = model.ground(image, text)[0]
    except ComponentError as error:
        return f"no map: {error}"
    try:
        grounded.save(path, image)
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}"
        raise RecipeError(Problem("--out", str(path), message)) from None
    return str(path)


def _listed(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {_percent(share)}" for name, share in list(found.items())[:SHOWN])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
