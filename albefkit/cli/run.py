"""`albefkit run`: from a recipe to a trained, evaluated model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from albefkit.cli.options import DropOption, RecipeArgument, SetOption


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def command(
    recipe: RecipeArgument,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="With --resume: the run's folder.")
    ] = None,
    sets: SetOption = None,
    drops: DropOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The run's folder; otherwise a new one below runs/."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in DIR, which may stand for RECIPE too; "
            "without DIR, with the newest run of RECIPE.",
        ),
    ] = False,
    max_steps: Annotated[
        int | None, typer.Option(metavar="N", help="As --set train.max_steps=N.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="As --set train.seed=N.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build, take one step, report, write nothing.")
    ] = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="Refuse components that are not as RECIPE's lock says.")
    ] = False,
    lock: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="As --locked, by this lock.", show_default=False),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write events for TensorBoard too.")
    ] = False,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.AUTO,
) -> None:
    """Train and evaluate a recipe."""
    if folder is not None and not resume:
        raise typer.BadParameter(f"unexpected '{folder}': a folder goes with --out or --resume")
    edits = list(sets or ())
    if max_steps is not None:
        edits.append(f"train.max_steps={max_steps}")
    if seed is not None:
        edits.append(f"train.seed={seed}")
    if resume:
        recipe, folder = _of_run(recipe, folder)
    from albefkit.engine.garbage import uncollected

    with uncollected():
        from albefkit.recipe.load import load_recipe

        checked = load_recipe(recipe, sets=edits, drops=drops or ())
    if locked or lock is not None:
        from albefkit.recipe.lock import lock_file, require_locked

        require_locked(checked, lock or lock_file(checked))

    from rich.console import Console

    console = Console()
    if dry_run:
        from albefkit.dry_run import dry_run as take_one_step

        take_one_step(checked, device.value, console)
        return
    with uncollected():
        from albefkit.engine.display import results_table
        from albefkit.running import Options, run

    options = Options(folder or out, resume, tensorboard, device.value)
    outcome = run(checked, options, console)
    if outcome.results:
        console.print(results_table(outcome.results))
    if outcome.folder.name:
        console.print(f"{outcome.folder / 'summary.json'}", highlight=False, soft_wrap=True)


def _of_run(recipe: str, folder: Path | None) -> tuple[str, Path | None]:
    """Recipe and folder of a run to go on with; its folder may stand for its recipe."""
    resolved = Path(recipe) / "resolved.yaml"
    if not resolved.is_file():
        return recipe, folder
    return (str(resolved), Path(recipe)) if folder is None else (str(folder), Path(recipe))
