"""`albefkit ablate`: what does this part buy, what does it cost, and how sure is that?"""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from albefkit.cli.options import SetOption
from albefkit.cli.run import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from albefkit.ablation.plan import Plan
    from albefkit.ablation.variants import Wishes

BASE = "albef_tiny"


class Match(StrEnum):
    """What every variant may spend."""

    STEPS = "steps"
    SAMPLES = "samples"
    FLOPS = "flops"
    MINUTES = "minutes"


class Against(StrEnum):
    """What a variant is compared with."""

    FIRST = "first"
    PREVIOUS = "previous"


def _many(option: str, metavar: str, help_text: str) -> typer.models.OptionInfo:
    return typer.Option(option, metavar=metavar, help=help_text, show_default=False)


def command(
    recipes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECIPE...]",
            help=f"Recipes to compare with the first of them; none: edits of {BASE}.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="RECIPE", help="The recipe that edits start from.", show_default=BASE),
    ] = None,
    drops: Annotated[
        list[str] | None,
        _many("--drop", "NAME", "A variant without this; a+b: without both; may be repeated."),
    ] = None,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="A variant without each thing that can go.")
    ] = False,
    swaps: Annotated[
        list[str] | None,
        _many("--swap", "PART=TYPE", "A variant with another part, as in fusion=joint."),
    ] = None,
    adds: Annotated[
        list[str] | None,
        _many("--add", "NAME[=YAML]", "A variant with one objective more."),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            metavar="PATH=A,B,..", help="All variants at each value, as in data.noise=0,0.2,0.4."
        ),
    ] = None,
    sets: SetOption = None,
    against: Annotated[
        Against, typer.Option(help="Compare with the first variant, or with the one before.")
    ] = Against.FIRST,
    seeds: Annotated[
        str, typer.Option(metavar="N", help="How many seeds, or which: 42,43,44.")
    ] = "1",
    match: Annotated[
        Match | None, typer.Option(help="Give every variant what the first one spends.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Runs at the same time; otherwise as many as there are GPUs, or cores and memory.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where runs and report go; otherwise below runs/."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.AUTO,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and how long it takes, run nothing.")
    ] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="Show what can be dropped, and what that changes.")
    ] = False,
) -> None:
    """Train a recipe and edits of it, and compare them: table, report, uncertainty, cost.

    What is interrupted goes on when the command is repeated.
    """
    from rich.console import Console

    from albefkit.ablation.display import plan_tables, plan_words
    from albefkit.ablation.variants import Wishes

    console = Console()
    first, *others = [*([recipe] if recipe else []), *(recipes or [])] or [BASE]
    if listing:
        for each in [first, *others]:
            _list(each, sets or [], console)
        return
    wishes = Wishes(
        base=first,
        recipes=others,
        sets=sets or [],
        drops=drops or [],
        leave_one_out=leave_one_out,
        swaps=swaps or [],
        adds=adds or [],
        sweep=sweep,
        stepwise=against is Against.PREVIOUS,
    )
    plan = _plan(wishes, seeds, match, out, device)
    for table in plan_tables(plan):
        console.print(table)
    for line in plan_words(plan):
        console.print(line, markup=False, highlight=False)
    if not dry_run:
        _carry_out(plan, jobs, device, console)


def _plan(
    wishes: Wishes, seeds: str, match: Match | None, out: Path | None, device: Device
) -> Plan:
    from albefkit.ablation.plan import make_plan
    from albefkit.ablation.variants import variants
    from albefkit.engine.run_directory import runs_folder
    from albefkit.recipe.load import load_recipe

    first = load_recipe(wishes.base, sets=wishes.sets)
    return make_plan(
        variants(wishes),
        _seeds(seeds, first.settings.train.seed),
        match.value if match else None,
        device.value,
        out or runs_folder() / "ablate" / first.name,
    )


def _carry_out(plan: Plan, jobs: int | None, device: Device, console: Console) -> None:
    from albefkit.ablation.display import GridDisplay
    from albefkit.ablation.gathering import gather
    from albefkit.ablation.grid import carry_out, fitting_jobs
    from albefkit.report.rich_table import to_rich
    from albefkit.report.table import study_table
    from albefkit.report.writing import write_report

    cells = plan.cells()
    at_once = jobs or fitting_jobs(cells, plan.memory, device.value)
    with GridDisplay(console) as display:
        carry_out(cells, at_once, device.value, display)
    study = gather(plan, shlex.join(["albefkit", *sys.argv[1:]]))
    console.print(to_rich(study_table(study)))
    for file in write_report(study, plan.folder):
        console.print(str(file), highlight=False, soft_wrap=True)


def _seeds(text: str, first: int) -> list[int]:
    """`3`: so many, from the recipe's own on; `42,45`: these."""
    from albefkit.registry.errors import Problem, RecipeError

    try:
        numbers = [int(each) for each in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < (0 if len(numbers) > 1 else 1) or len(set(numbers)) < len(numbers):
        message = f"expected how many seeds, or which, got '{text}'"
        raise RecipeError(Problem("command line", "--seeds", message, "as in --seeds 3"))
    return numbers if "," in text else list(range(first, first + numbers[0]))


def _list(recipe: str, sets: Sequence[str], console: Console) -> None:
    from rich.table import Table

    from albefkit.ablation.variants import droppable_edits

    table = Table(title=f"what can be dropped from {recipe}", title_justify="left")
    for heading in ("--drop", "what is then missing", "what that changes"):
        table.add_column(heading)
    for name, (meaning, changes) in droppable_edits(recipe, sets).items():
        table.add_row(name, meaning, "\n".join(changes))
    console.print(table)
