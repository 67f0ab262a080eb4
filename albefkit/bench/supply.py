"""Can data be made as fast as a step takes them?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from albefkit.assemble import assemble
from albefkit.feeding import train_loader, training_order
from albefkit.recipe.load import load_recipe


@dataclass(frozen=True)
class Supply:
    """How fast batches are made.

    Args:
        prepare_seconds: what comes once, before the first batch: drawing, or reading from a cache.
        samples_per_second: of one process, reading, cropping, colouring and spelling; median over
            batches.
        batch_size: pairs in a batch.
    """

    prepare_seconds: float
    samples_per_second: float
    batch_size: int


def measure_supply(recipe: str, sets: Sequence[str], rounds: int) -> Supply:
    """Make batches in this process, as a worker would, and throw them away.

    Args:
        recipe: its name or file.
        sets: edits.
        rounds: how many batches are timed, after a first one.
    """
    assembly = assemble(load_recipe(recipe, sets=sets))
    settings, split = assembly.recipe.settings.train, assembly.dataset.split("train")
    started = time.perf_counter()
    split.prepare()
    prepared = time.perf_counter() - started
    batches = train_loader(assembly, training_order(assembly)).batches()
    next(batches)
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        next(batches)
        seconds.append(time.perf_counter() - started)
    rate = settings.batch_size / statistics.median(seconds)
    return Supply(prepared, rate, settings.batch_size)
