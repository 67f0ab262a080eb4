"""One real step of a recipe, reported and forgotten: nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from albefkit.assemble import Assembly, assemble
from albefkit.distributed import World
from albefkit.engine.devices import DeviceName, choose_device
from albefkit.engine.display import losses_table
from albefkit.engine.hearing import heard_warnings
from albefkit.engine.meters import memory_in_use
from albefkit.engine.precision import Precision, choose_precision
from albefkit.engine.readiness import make_ready
from albefkit.engine.records import Record
from albefkit.engine.stepping import Stepper
from albefkit.feeding import LoaderSource, train_loader, training_order
from albefkit.quantities import amount, duration, size
from albefkit.recipe.load import Recipe
from albefkit.tensors import Batch


def dry_run(recipe: Recipe, device_name: DeviceName, console: Console) -> None:
    """Build a recipe, take one optimizer step and say what it looked like.

    Raises:
        AlbefkitError: whatever a run would meet up to the end of its first step.
    """

    def warn(text: str) -> None:
        console.print(f"warning: {text}", markup=False, highlight=False, soft_wrap=True)

    settings, world = recipe.settings.train, World()
    device = choose_device(device_name, world)
    with heard_warnings(warn):
        assembly = assemble(recipe)
        make_ready(assembly.pretrainer, settings, device)
        assembly.pretrainer.train()
        source = LoaderSource(train_loader(assembly, training_order(assembly)))
        precision = choose_precision(settings.precision, device)
        stepper = Stepper(
            assembly.pretrainer, assembly.optimizer, source, settings, precision, world
        )
        for caveat in assembly.optimizer.caveats(stepper.progress(0)):
            warn(caveat)
        seen: list[Batch] = []
        batches = _watched(stepper.batches(0), seen)
        stepper.take(0, batches)
        stepper.require_finite()
        found = stepper.meter.read()
        with stepper.watch.step():  # the first step also allocates and warms up
            stepper.take(1, batches)
            stepper.require_finite()
    console.print(parts_table(assembly))
    console.print(batch_table(seen[0]))
    figures = Record(
        1, 0.0, stepper.lr, found["losses"], found["floors"], found["bounds"], found["metrics"]
    )
    console.print(losses_table(figures))
    _say_pace(stepper, precision, console)


def _say_pace(stepper: Stepper, precision: Precision, console: Console) -> None:
    pace, total = stepper.watch.read(), stepper.progress(0).total_steps
    console.print(
        f"one step: {duration(pace.step_seconds)} in {precision.name} on {precision.device.type}, "
        f"{pace.data_wait:.0%} of it for data; {size(memory_in_use(precision.device))} of memory; "
        f"all {total} steps: about {duration(total * pace.step_seconds)}",
        highlight=False,
        soft_wrap=True,
    )


def parts_table(assembly: Assembly) -> Table:
    """The parts and their parameters."""
    table = Table(title="parts", title_justify="left")
    table.add_column("part")
    table.add_column("trainable", justify="right")
    table.add_column("frozen", justify="right")
    networks = {
        "student": assembly.pretrainer.student,
        "teacher": assembly.pretrainer.teacher.network,
    }
    for who, network in networks.items():
        for name, part in network.named_children():
            if any(True for _ in part.parameters()):
                table.add_row(f"{who}.{name}", *(amount(count) for count in _parameters(part)))
    return table


def batch_table(batch: Batch) -> Table:
    """What a batch consists of."""
    table = Table(title="batch", title_justify="left")
    for heading in ("field", "shape", "type"):
        table.add_column(heading)
    fields = {"images": batch.images, "text.ids": batch.text.ids, "image_id": batch.image_id}
    fields["text_id"] = batch.text_id
    for name, value in {**fields, **batch.fields}.items():
        if isinstance(value, Tensor):
            shape = " x ".join(str(length) for length in value.shape)
            table.add_row(name, shape, str(value.dtype).removeprefix("torch."))
    return table


def _watched(batches: Iterator[Batch], seen: list[Batch]) -> Iterator[Batch]:
    for batch in batches:
        seen.append(batch)
        yield batch


def _parameters(part: nn.Module) -> tuple[int, int]:
    """How many learn, and how many do not."""
    sizes = [(each.numel(), each.requires_grad) for each in part.parameters()]
    learning = sum(count for count, learns in sizes if learns)
    return learning, sum(count for count, _ in sizes) - learning
