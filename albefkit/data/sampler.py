"""Which items make which batch: a function of (seed, cursor), so resuming needs one integer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from albefkit.registry.errors import DataError
from albefkit.seeding import numpy_rng


@dataclass(frozen=True)
class Buckets:
    """How far items of like length come together.

    Args:
        lengths: `(n,)`, of the text of each item.
        window: so many global batches of the shuffled order are sorted among themselves.
    """

    lengths: np.ndarray
    window: int


@dataclass(frozen=True, slots=True)
class Draw:
    """The items of one batch.

    Args:
        epoch: how often all items have been gone through before.
        indices: `(B,)` int64, this process's share of the global batch.
    """

    epoch: int
    indices: np.ndarray


class Order:
    """A new order of all items every epoch; the last incomplete batch is dropped.

    The global batch holds `batch_size * world` items and process `rank` takes every `world`-th of
    them: twice as many processes with half the batch see the same global batches.

    Args:
        seed: of the run.
        length: number of items.
        batch_size: items per batch of one process.
        rank: of this process, `0 .. world - 1`.
        world: number of processes.
        buckets: let texts of like length come together; None: whoever comes, comes.

    Raises:
        DataError: there are fewer items than one global batch needs.
    """

    def __init__(
        self,
        seed: int,
        length: int,
        batch_size: int,
        rank: int = 0,
        world: int = 1,
        buckets: Buckets | None = None,
    ) -> None:
        self.seed, self.length, self.batch_size = seed, length, batch_size
        self.rank, self.world, self.buckets = rank, world, buckets
        self.steps_per_epoch = length // (batch_size * world)
        if self.steps_per_epoch == 0:
            per = f"{batch_size} items" if world == 1 else f"{world} x {batch_size} items"
            raise DataError(
                f"a batch needs {per}, and this training split has {length}. "
                f"Set train.batch_size to {max(1, length // world)} or less."
            )
        self._shuffled: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def batch(self, cursor: int) -> Draw:
        """Batch number `cursor` since the start of training, from 0."""
        epoch, position = divmod(cursor, self.steps_per_epoch)
        start = position * self.batch_size * self.world
        stop = start + self.batch_size * self.world
        return Draw(epoch, self._order(epoch)[start + self.rank : stop : self.world])

    def item_rng(self, epoch: int, index: int) -> np.random.Generator:
        """The generator for everything random about item `index` in this epoch."""
        return numpy_rng(self.seed, "item", epoch, index)

    def replacement(self, epoch: int, index: int, attempt: int) -> int:
        """Which item stands in for `index`, which cannot be read."""
        rng = numpy_rng(self.seed, "replacement", epoch, index, attempt)
        return int(rng.integers(self.length))

    def _order(self, epoch: int) -> np.ndarray:
        if self._shuffled[0] != epoch:
            order = numpy_rng(self.seed, "order", epoch).permutation(self.length)
            if self.buckets is not None:
                order = self._bucketed(order, self.buckets, epoch)
            self._shuffled = (epoch, order)
        return self._shuffled[1]

    def _bucketed(self, order: np.ndarray, buckets: Buckets, epoch: int) -> np.ndarray:
        """The same items with those of like length side by side, in batches in random order."""
        size = self.batch_size * self.world
        taken = order[: self.steps_per_epoch * size]
        window = np.arange(len(taken)) // (buckets.window * size)
        alike = taken[np.lexsort((buckets.lengths[taken], window))]
        turns = numpy_rng(self.seed, "buckets", epoch).permutation(self.steps_per_epoch)
        return alike.reshape(-1, size)[turns].reshape(-1)
