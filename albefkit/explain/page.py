"""The page that `albefkit explain` prints."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from albefkit.assemble import Assembly
from albefkit.explain.rehearsal import Cost, Rehearsal
from albefkit.progress import Progress
from albefkit.quantities import amount, duration, size
from albefkit.recipe.load import Recipe


def page(recipe: Recipe, assembly: Assembly, rehearsal: Rehearsal) -> None:
    """Print components, parts of the network and the cost of a run."""
    console = Console()
    console.print(_components(recipe))
    console.print(_parts(rehearsal))
    console.print(_totals(recipe, assembly, rehearsal))


def _components(recipe: Recipe) -> Table:
    table = Table(title="Components", title_justify="left")
    for column in ("place", "kind", "type", "provider"):
        table.add_column(column)
    for spec in recipe.components():
        table.add_row(spec.path, spec.kind, spec.name, spec.entry.provider)
    return table


def _parts(rehearsal: Rehearsal) -> Table:
    title = f"One step of {rehearsal.batch_size} pairs"
    table = Table(title=title, title_justify="left")
    table.add_column("part", no_wrap=True)
    for column in ("trainable", "frozen", "forward FLOPs\nper sample"):
        table.add_column(column, justify="right")
    table.add_column("rows (who asked)")
    for name, cost in rehearsal.parts.items():
        table.add_row(
            name, amount(cost.trainable), amount(cost.frozen), amount(cost.flops), _rows(cost)
        )
    return table


def _rows(cost: Cost) -> str:
    if not cost.rows:
        return ""
    asked = ", ".join(f"{who} {count}" for who, count in cost.rows.items())
    return f"{sum(cost.rows.values())} ({asked})"


def _totals(recipe: Recipe, assembly: Assembly, rehearsal: Rehearsal) -> Table:
    train = recipe.settings.train
    per_epoch = max(
        1, len(assembly.dataset.split("train")) // (train.batch_size * train.accumulate)
    )
    plan = Progress(
        step=0,
        steps_per_epoch=per_epoch,
        epochs=train.epochs,
        steps=train.steps,
        max_steps=train.max_steps,
    )
    steps = plan.total_steps
    seconds = rehearsal.step_seconds * train.accumulate
    note = f"measured on {rehearsal.rehearsed} pairs in {rehearsal.precision}, scaled"
    table = Table(title="On this machine", title_justify="left", show_header=False)
    rows = {
        "FLOPs per sample": (amount(rehearsal.flops_per_sample), "forward and backward, all parts"),
        "memory": (
            size(rehearsal.bytes_fixed + rehearsal.bytes_activations),
            f"{size(rehearsal.bytes_fixed)} weights, gradients and optimizer, "
            f"{size(rehearsal.bytes_activations)} activations",
        ),
        "a step": (duration(seconds), note),
        "training": (duration(seconds * steps), f"{steps} steps, {per_epoch} in an epoch"),
    }
    for name, (value, meaning) in rows.items():
        table.add_row(name, value, meaning)
    return table
