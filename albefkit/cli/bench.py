"""`albefkit bench`: how fast is it here, where does the time go, and against what?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from albefkit.cli.options import RecipeArgument, SetOption
from albefkit.cli.run import Device

if TYPE_CHECKING:
    from albefkit.bench.work import Contender

app = typer.Typer(
    no_args_is_help=True, help="Time a recipe: medians, in turns with what it is compared with."
)

REFERENCE = "reference"

AgainstOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="What to compare with: another RECIPE, a change PATH=VALUE, or 'reference': "
        "the released code's way of doing it, in fp32.",
        show_default=False,
    ),
]
RoundsOption = Annotated[int, typer.Option(min=1, metavar="N", help="How often it is timed.")]
WarmupOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="Turns before the first that is timed.")
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the figures here too.", show_default=False),
]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute.")]
CountOption = Annotated[int, typer.Option("--k", min=1, help="Candidates of each query.")]


@app.callback()
def _bench() -> None:
    """Time a recipe: medians, in turns with what it is compared with."""


@app.command("step")
def step(
    recipe: RecipeArgument,
    against: AgainstOption = None,
    sets: SetOption = None,
    rounds: RoundsOption = 10,
    warmup: WarmupOption = 2,
    json: JsonOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Time the training step of a recipe, phase by phase."""
    from albefkit.bench.training import own_step, reference_step

    contenders = _contenders(recipe, sets or [], against, device, own_step, reference_step)
    _race(contenders, rounds, warmup, json, device)


@app.command("rerank")
def rerank(
    recipe: RecipeArgument,
    against: AgainstOption = None,
    sets: SetOption = None,
    images: Annotated[int, typer.Option(min=1, help="Images of the gallery.")] = 64,
    texts: Annotated[int, typer.Option(min=1, help="Texts of the gallery.")] = 320,
    count: CountOption = 32,
    rounds: RoundsOption = 3,
    warmup: WarmupOption = 1,
    json: JsonOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Time the second stage of retrieval: the matching head judges what is most similar."""
    from functools import partial

    from albefkit.bench.ranking import reranking

    own = partial(reranking, images=images, texts=texts, count=count)
    plain = partial(own, plainly=True)
    _race(
        _contenders(recipe, sets or [], against, device, own, plain), rounds, warmup, json, device
    )


@app.command("answers")
def answers(
    recipe: RecipeArgument,
    against: AgainstOption = None,
    sets: SetOption = None,
    questions: Annotated[int, typer.Option(min=1, help="Questions that are answered.")] = 16,
    listed: Annotated[int, typer.Option(min=1, help="Answers of the closed list.")] = 3000,
    count: CountOption = 128,
    rounds: RoundsOption = 5,
    warmup: WarmupOption = 1,
    json: JsonOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Time the ranking of a closed list of answers."""
    from functools import partial

    from albefkit.bench.ranking import answer_ranking

    own = partial(answer_ranking, questions=questions, answers=listed, count=count)
    plain = partial(own, plainly=True)
    _race(
        _contenders(recipe, sets or [], against, device, own, plain), rounds, warmup, json, device
    )


@app.command("data")
def data(
    recipe: RecipeArgument,
    sets: SetOption = None,
    rounds: RoundsOption = 50,
    json: JsonOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Time the making of batches by one process, beside the step that takes them."""
    import statistics

    from albefkit.bench.supply import measure_supply
    from albefkit.bench.training import own_step
    from albefkit.quantities import duration

    supply = measure_supply(recipe, sets or [], rounds)
    (taken,) = _timed(_contenders(recipe, sets or [], None, device, own_step, own_step), 10, 2)
    taken_per_second = taken.samples / statistics.median(taken.seconds)
    figures = {
        "ratio": supply.samples_per_second / taken_per_second,
        "samples_per_second": supply.samples_per_second,
        "taken_per_second": taken_per_second,
        "prepare_seconds": supply.prepare_seconds,
    }
    typer.echo(
        f"before the first batch: {duration(supply.prepare_seconds)}\n"
        f"one process makes {supply.samples_per_second:.4g} samples per second; the step takes "
        f"{taken_per_second:.4g}: {figures['ratio']:.2f} times what is needed"
    )
    _write(json, figures)


@app.command("startup")
def startup(
    recipe: RecipeArgument,
    sets: SetOption = None,
    rounds: RoundsOption = 3,
    json: JsonOption = None,
) -> None:
    """Time `albefkit run` from typing it to the first step, with warm caches."""
    import statistics

    from albefkit.bench.startup import measure_startup

    seconds = measure_startup(recipe, sets or [], rounds, _say)
    typer.echo(
        f"{statistics.median(seconds):.2f} seconds to the first step "
        f"(median of {rounds}, {min(seconds):.2f} to {max(seconds):.2f})"
    )
    _write(json, {"seconds": statistics.median(seconds), "rounds": seconds})


@app.command("grow")
def grow(
    recipe: RecipeArgument,
    sets: SetOption = None,
    rounds: RoundsOption = 5,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw it: .svg, .png or .pdf.", show_default=False),
    ] = None,
    json: JsonOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Time steps of a recipe with larger batches, queues, texts and images."""
    from dataclasses import asdict

    from albefkit.bench.growth import measure_growth, write_plot
    from albefkit.bench.verdict import growth_table

    points = list(measure_growth(recipe, sets or [], device.value, rounds, _say))
    _console().print(growth_table(points))
    if plot is not None:
        write_plot(points, plot)
    _write(json, {"points": [asdict(point) for point in points]})


def _contenders(
    recipe: str,
    sets: Sequence[str],
    against: str | None,
    device: Device,
    own: Callable[..., Any],
    plain: Callable[..., Any],
) -> list[Contender]:
    """The recipe, and what it is compared with."""
    from functools import partial

    from albefkit.bench.work import Contender
    from albefkit.recipe.load import load_recipe

    load_recipe(recipe, sets=sets)  # a mistake is better told here than by another process
    found = [Contender(recipe, partial(own, recipe, sets, device.value))]
    if against == REFERENCE:
        found.append(Contender(REFERENCE, partial(plain, recipe, sets, device.value)))
    elif against is not None and "=" in against:
        changed = [*sets, against]
        load_recipe(recipe, sets=changed)
        found.append(Contender(against, partial(own, recipe, changed, device.value)))
    elif against is not None:
        load_recipe(against, sets=sets)
        found.append(Contender(against, partial(own, against, sets, device.value)))
    return found


def _timed(contenders: Sequence[Contender], rounds: int, warmup: int) -> list[Any]:
    from albefkit.bench.race import race

    return race(contenders, rounds, warmup, _say)


def _race(
    contenders: Sequence[Contender], rounds: int, warmup: int, json: Path | None, device: Device
) -> None:
    import torch

    from albefkit.bench.ceiling import matrix_ceiling
    from albefkit.bench.verdict import Verdict
    from albefkit.distributed import World
    from albefkit.engine.devices import choose_device

    timings = _timed(contenders, rounds, warmup)
    where = choose_device(device.value, World())
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    used = dict.fromkeys(timing.precision for timing in timings)
    ceilings = {precision: matrix_ceiling(where, dtypes[precision]) for precision in used}
    verdict, console = Verdict(timings, ceilings), _console()
    console.print(verdict.table())
    for line in verdict.words():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    _write(json, verdict.as_dict())


def _write(file: Path | None, figures: dict[str, Any]) -> None:
    if file is None:
        return
    from albefkit.engine.files import write_json

    write_json(file, figures)


def _say(what: str) -> None:
    typer.echo(what, err=True)


def _console() -> Any:
    from rich.console import Console

    return Console()
