"""How the cost of a step grows with the work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from albefkit.bench.training import OwnStep, assembled, made_batches
from albefkit.engine.compiling import uncompiled
from albefkit.engine.devices import DeviceName
from albefkit.tensors import Batch, TextView

EVEN = "train.length_buckets=1"
"""Batches whose texts differ in length as the data's do: sorted, each would cost something else."""


@dataclass(frozen=True)
class Axis:
    """One thing that grows while the others stay.

    Args:
        name: as people call it.
        sizes: from small to large.
        sets: size -> edits of the recipe.
        tokens: whether the size is the length of the texts, in tokens.
    """

    name: str
    sizes: tuple[int, ...]
    sets: Callable[[int], list[str]]
    tokens: bool = False


def _queue(size: int) -> list[str]:
    keys = f"{{type: momentum-queue, size: {size}}}" if size else "in-batch"
    return [f"alignment.keys={keys}"]


AXES = (
    Axis("batch", (4, 8, 16, 32, 64), lambda size: [f"train.batch_size={size}"]),
    Axis("queue", (0, 16_384, 65_536, 131_072, 262_144), _queue),
    Axis("tokens", (16, 32, 48, 64), lambda size: [f"model.text.max_tokens={size}"], tokens=True),
    Axis(
        "image",
        (128, 192, 256, 384),
        lambda size: [
            *(f"model.vision.image_size={size}", f"data.size={size}"),
            *("data.train=200", "train.batch_size=8"),
        ],
    ),
)


@dataclass(frozen=True)
class Point:
    """The cost of a step at one size.

    Args:
        axis: what grows.
        size: how large it is.
        seconds: median over steps.
        flops: of a step, there and back.
    """

    axis: str
    size: int
    seconds: float
    flops: int


def measure_growth(
    recipe: str,
    sets: Sequence[str],
    device_name: DeviceName,
    rounds: int,
    progress: Callable[[str], None],
) -> Iterator[Point]:
    """Take steps of a recipe at every size of every axis.

    Args:
        recipe: its name or file.
        sets: edits, before those of the axes.
        device_name: where.
        rounds: steps that are timed at each size.
        progress: told what happens.
    """
    for axis in AXES:
        for size in axis.sizes:
            progress(f"{axis.name} {size}")
            work = _step(recipe, [EVEN, *sets, *axis.sets(size)], device_name, size * axis.tokens)
            yield Point(axis.name, size, *_cost(work, rounds))


def exponents(points: Sequence[Point]) -> tuple[float, float]:
    """Slopes over the size, both on logarithmic scales: of the seconds, and of the operations,
    which say what to expect where nothing but arithmetic takes time.
    """
    grown = [point for point in points if point.size]
    sizes = np.log([point.size for point in grown])
    seconds = np.polyfit(sizes, np.log([point.seconds for point in grown]), 1)[0]
    operations = np.polyfit(sizes, np.log([point.flops for point in grown]), 1)[0]
    return float(seconds), float(operations)


def write_plot(points: Sequence[Point], file: Path) -> None:
    """A panel for each axis: what was measured, and the operations through its last point."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    panels = figure.subplots(2, 2).flatten()
    for axis, panel in zip(AXES, panels, strict=True):
        here = [point for point in points if point.axis == axis.name and point.size]
        sizes, seconds = [point.size for point in here], [point.seconds for point in here]
        scale = seconds[-1] / here[-1].flops
        panel.loglog(sizes, seconds, marker="o", label="measured")
        expected = [scale * point.flops for point in here]
        panel.loglog(sizes, expected, linestyle="--", label="operations")
        measured, counted = exponents(here)
        panel.set_title(f"{axis.name}: exponent {measured:.2f}, operations {counted:.2f}")
        panel.set_xlabel(axis.name)
        panel.set_ylabel("seconds per step")
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.minorticks_off()
        panel.legend()
    figure.savefig(file)


def _step(recipe: str, sets: Sequence[str], device_name: DeviceName, tokens: int) -> OwnStep:
    assembly, device = assembled(recipe, sets, device_name)
    batches = made_batches(assembly)
    if tokens:
        batches = [_with_long_texts(batch, tokens) for batch in batches]
    return OwnStep(assembly, batches, device)


def _with_long_texts(batch: Batch, tokens: int) -> Batch:
    """The same batch with every text so many tokens long: its own, again and again."""
    ids, mask = batch.text.ids, batch.text.mask
    words = [row[real] for row, real in zip(ids, mask, strict=True)]
    long = [torch.cat([row[:1], row[1:].repeat(tokens)])[:tokens] for row in words]
    return replace(batch, text=TextView(torch.stack(long), torch.ones(len(ids), tokens).bool()))


def _cost(work: OwnStep, rounds: int) -> tuple[float, int]:
    counter = FlopCounterMode(display=False)
    with uncompiled(), counter:
        work.turn()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        work.turn()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), counter.get_total_flops()
