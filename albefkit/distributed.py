"""Several processes as torchrun starts them; one process needs none of this."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

TIMEOUT = timedelta(minutes=30)
"""How long ranks wait for each other; rank 0 may be evaluating or writing."""


@dataclass(frozen=True, slots=True)
class World:
    """Who this process is among how many.

    Args:
        rank: this process, from 0.
        size: how many processes there are.
        local_rank: this process on its machine, which is the number of its GPU.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes and talks."""
        return self.rank == 0


def launched_world() -> World:
    """The world that torchrun's environment variables describe; alone where there are none."""
    environment = os.environ
    return World(
        rank=int(environment.get("RANK", "0")),
        size=int(environment.get("WORLD_SIZE", "1")),
        local_rank=int(environment.get("LOCAL_RANK", "0")),
    )


@contextmanager
def process_group(world: World, device: torch.device) -> Iterator[None]:
    """Join the other processes for the length of a `with` block; nothing to do when alone."""
    if world.size == 1:
        yield
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, rank=world.rank, world_size=world.size, timeout=TIMEOUT)
    try:
        yield
    finally:
        dist.destroy_process_group()


def gather_rows(rows: Tensor) -> Tensor:
    """All ranks' rows, one rank below the other: `(R, ...) -> (world R, ...)`, without gradient.

    Every rank must give equally many rows. Alone, the rows themselves.
    """
    if not _together():
        return rows
    parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, rows.detach().contiguous())
    return torch.cat(parts)


def gather_rows_own_first(rows: Tensor) -> Tensor:
    """All ranks' rows, this rank's first: `(R, ...) -> (world R, ...)`, with gradient.

    What any rank makes of a row comes back to the rank it is from, as one sum: the mean over ranks
    that data parallelism takes is then the gradient of the mean loss. Every rank must give equally
    many rows, and go backward through them. Alone, the rows themselves.
    """
    if not _together():
        return rows
    gathered: Tensor = _Gathered.apply(rows)  # type: ignore[assignment]
    return gathered.roll(-dist.get_rank() * len(rows), dims=0)


def any_rank(flag: bool, device: torch.device) -> bool:
    """Whether any rank says yes; every rank must ask."""
    if not _together():
        return flag
    votes = torch.tensor(int(flag), device=device)
    dist.all_reduce(votes, op=dist.ReduceOp.MAX)
    return bool(votes.item())


def mean_over_ranks(values: Tensor) -> Tensor:
    """The mean of every rank's `values`; every rank must ask."""
    if not _together():
        return values
    total = values.clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


def wait_for_all() -> None:
    """Wait until every rank is here."""
    if _together():
        dist.barrier()


class _Gathered(torch.autograd.Function):
    """The rows of all ranks, and the way back to their own."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.own = slice(dist.get_rank() * len(rows), (dist.get_rank() + 1) * len(rows))
        return gather_rows(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total[ctx.own]


def _together() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
