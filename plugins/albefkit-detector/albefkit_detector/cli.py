"""`albefkit-detector`: train a detector, extract regions, time front ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from albefkit.cli.options import DropOption, RecipeArgument, SetOption
from albefkit.cli.panel import show
from albefkit.registry.errors import AlbefkitError, Interrupted

if TYPE_CHECKING:
    from albefkit_detector.training import Progress

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Region features for albefkit: what detector-based models read in place of pixels.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="albefkit-detector")
    except AlbefkitError as error:
        show(error)
        sys.exit(error.exit_code)


@app.command()
def train_detector(
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where it goes: a new .safetensors file.")
    ],
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of 16 scenes; 600 find practically everything.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another detector.")] = 0,
) -> None:
    """Train a small detector on drawn scenes, and look for the objects of others with it."""
    from albefkit_detector import scenes_detector, training

    _require_new(out)
    with _progress() as progress:
        network = training.train(steps or training.STEPS, seed, progress=progress)
    name = training.name_of(steps or training.STEPS, seed)
    scenes_detector.save(network, out, name=name)
    skill = training.examine(scenes_detector.as_detector(network, name))
    typer.echo(
        f"{out}: of {skill.objects:.2f} objects in a held-out scene it finds {skill.recall:.1f} % "
        f"(IoU 0.5) among {skill.regions:.2f} regions, and names the shape of {skill.shape:.1f} % "
        f"and the colour of {skill.colour:.1f} % of these"
    )


@app.command()
def extract(
    recipe: RecipeArgument,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where regions go: one file for each split.")
    ],
    detector: Annotated[
        str,
        typer.Option(
            metavar="auto|coco|FILE",
            help="What train-detector wrote; or coco, torchvision's with its COCO weights; auto: "
            "a small one where the data are drawn, else coco.",
        ),
    ] = "auto",
    sets: SetOption = None,
    drops: DropOption = None,
) -> None:
    """Find the regions of all pictures of a recipe's data; splits that are there already stay."""
    from albefkit.recipe.load import load_recipe

    from albefkit_detector.caching import choose_detector
    from albefkit_detector.dataset import Regions
    from albefkit_detector.extraction import extract as extract_split
    from albefkit_detector.region_file import RegionFile

    settings = load_recipe(recipe, sets=sets or (), drops=drops or ()).settings
    given = settings.data.build({})
    dataset = given.of if isinstance(given, Regions) else given
    with _progress() as progress:
        found = choose_detector(detector, dataset, progress)
        for name in dataset.splits:
            split, file = dataset.split(name), out / f"{name}.safetensors"
            if file.exists():
                RegionFile(file).require(split.fingerprint, found.name)
                typer.echo(f"{file}: there already")
                continue
            unreadable = extract_split(split, found, file, progress, f"'{name}'")
            left_out = f", {unreadable} of them unreadable" if unreadable else ""
            typer.echo(f"{file}: {len(split)} items{left_out}")


@app.command("time")
def measure(
    recipes: Annotated[
        list[str] | None, typer.Argument(metavar="[RECIPE...]", show_default=False)
    ] = None,
    full_size: Annotated[
        bool,
        typer.Option(
            "--full-size", help="Besides: torchvision's detector at 800 pixels, a ViT-B/16 at 384."
        ),
    ] = False,
    pictures: Annotated[int, typer.Option(min=1, help="Pictures timed, one at a time.")] = 20,
) -> None:
    """Say how long one picture takes on its way into the networks of recipes."""
    from albefkit.recipe.load import load_recipe
    from rich.console import Console

    from albefkit_detector import timing

    with _progress() as progress:
        loaded = [load_recipe(name) for name in recipes or ()]
        ends = [timing.of_recipe(each, pictures, progress) for each in loaded]
    if full_size:
        ends += timing.full_size()
    if not ends:
        raise typer.BadParameter("name recipes, or say --full-size")
    Console().print(timing.table(ends))


def _require_new(file: Path) -> None:
    from albefkit.registry.errors import Problem, RecipeError

    if file.exists():
        message = "is there already, and nothing is overwritten"
        raise RecipeError(Problem("--out", str(file), message, "Name a new file."))


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars at a terminal, nothing elsewhere; Ctrl-C becomes an error like others."""
    from rich.console import Console
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    with Bars(console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        try:
            yield tell
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None
