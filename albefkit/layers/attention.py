"""Multi-head attention over rows that may be padded."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ALONE = 3
"""A row that looks alone costs so many that look together: its row of the memory is copied."""


class Readers(NamedTuple):
    """Which row of a memory each of P rows looks at, and how to look without copying the memory.

    Args:
        index: `(P,)` int64, the row of the memory.
        turns: so many rows have room to look together at each row of the memory.
        together: `(T,)` int64, the rows that do; None where rows of the memory are copied for each
            that looks.
        seats: `(T,)` int64, `turns` for each row of the memory: where they sit.
        alone: `(P - T,)` int64, the other rows.
        back: `(P,)` int64: where each row is among those together, then those alone.
    """

    index: Tensor
    turns: int = 0
    together: Tensor | None = None
    seats: Tensor | None = None
    alone: Tensor | None = None
    back: Tensor | None = None

    @classmethod
    def of(cls, index: Tensor, rows: int) -> Readers:
        """Find who looks together at a memory of so many rows.

        Off the CPU nobody does: finding out would wait for the device.
        """
        if index.device.type != "cpu" or not len(index):
            return cls(index)
        turns = _cheapest_turns(torch.bincount(index, minlength=rows))
        if not turns:
            return cls(index)
        order = index.argsort(stable=True)
        ordered = index[order]
        turn = torch.empty_like(index)
        turn[order] = torch.arange(len(index)) - torch.searchsorted(ordered, ordered)
        together, alone = (turn < turns).nonzero()[:, 0], (turn >= turns).nonzero()[:, 0]
        seats = index[together] * turns + turn[together]
        return cls(index, turns, together, seats, alone, torch.cat([together, alone]).argsort())


def _cheapest_turns(looks: Tensor) -> int:
    """How much room to give each row of a memory that is looked at `(R,)` times: seats that stay
    empty cost as much as others.
    """
    turns = torch.arange(int(looks.max()) + 1)
    alone = (looks - turns[:, None]).clamp(min=0).sum(1)
    return int((len(looks) * turns + ALONE * alone).argmin())


class Memory(NamedTuple):
    """What attention looks at, projected once.

    Args:
        key: `(R, heads, N, D / heads)`.
        value: `(R, heads, N, D / heads)`.
        mask: `(R, 1, 1, N)` bool, true where it may be looked at, or `(R, 1, L, N)` where that
            depends on who looks; None where all may.
        readers: P rows that look, and where; None: R rows, each at its own.
    """

    key: Tensor
    value: Tensor
    mask: Tensor | None
    readers: Readers | None = None

    def rows(self, index: Tensor) -> Memory:
        """Copy rows: `index` is `(R',)` int64."""
        # Several times as fast as indexing, there and back.
        mask = None if self.mask is None else self.mask.index_select(0, index)
        return Memory(self.key.index_select(0, index), self.value.index_select(0, index), mask)

    def read_by(self, readers: Readers) -> Memory:
        """The same, looked at by other rows."""
        return self._replace(readers=readers)

    def followed_by(self, other: Memory) -> Memory:
        """More to look at in each row, behind what is there; neither hides anything."""
        assert self.mask is None and other.mask is None
        key = torch.cat([self.key, other.key], dim=2)
        return Memory(key, torch.cat([self.value, other.value], dim=2), None)

    def copied(self) -> Memory:
        """A row for each row that looks."""
        return self if self.readers is None else self.rows(self.readers.index)


def visible(mask: Tensor | None) -> Tensor | None:
    """A padding mask `(R, N)` as attention takes it, `(R, 1, 1, N)`.

    A row in which nothing is real sees everything: the softmax over nothing would be NaN, and the
    released code's finite masks mean the same.
    """
    if mask is None:
        return None
    return (mask | ~mask.any(dim=1, keepdim=True))[:, None, None, :]


def attend(query: Tensor, memory: Memory, dropout: float = 0.0) -> Tensor:
    """Scaled dot-product attention.

    Args:
        query: `(P, heads, L, D / heads)`.
        memory: what to look at.
        dropout: chance of an attention weight to be dropped, 0 to 1.

    Returns:
        `(P, heads, L, D / heads)`.
    """
    if fused_pays(query.device):
        memory = memory.copied()
        return F.scaled_dot_product_attention(
            query, memory.key, memory.value, attn_mask=memory.mask, dropout_p=dropout
        )
    if memory.readers is None or memory.readers.together is None:
        return _look(query, memory.copied(), dropout)
    return _look_together(query, memory, memory.readers, dropout)


def _look(query: Tensor, memory: Memory, dropout: float) -> Tensor:
    return F.dropout(weights(query, memory), dropout) @ memory.value


def _look_together(query: Tensor, memory: Memory, readers: Readers, dropout: float) -> Tensor:
    """Rows that look at the same row of the memory stand side by side as one long row, so that the
    memory, and on the way back its gradient, is read once for all of them.
    """
    together, seats, alone, back = readers[2:]
    assert together is not None and seats is not None and alone is not None and back is not None
    rows, turns = len(memory.key), readers.turns
    seated = query.new_zeros(rows * turns, *query.shape[1:])
    seated = seated.index_copy(0, seats, query.index_select(0, together))
    long = seated.unflatten(0, (rows, turns)).transpose(1, 2).flatten(2, 3)
    seen = _look(long, memory._replace(readers=None), dropout)
    seen = seen.unflatten(2, (turns, -1)).transpose(1, 2).flatten(0, 1).index_select(0, seats)
    if not len(alone):
        return seen
    theirs = memory.rows(readers.index.index_select(0, alone))
    others = _look(query.index_select(0, alone), theirs, dropout)
    return torch.cat([seen, others]).index_select(0, back)


def weights(query: Tensor, memory: Memory) -> Tensor:
    """How much each query looks where, `(P, heads, L, N)`; rows sum to 1.

    The softmax is taken in float32 or better, the result has the type of the values.
    """
    memory = memory.copied()
    scores = (query * query.shape[-1] ** -0.5) @ memory.key.mT
    if memory.mask is not None:
        scores = scores.masked_fill(~memory.mask, torch.finfo(scores.dtype).min)
    exact = torch.promote_types(scores.dtype, torch.float32)
    return scores.softmax(dim=-1, dtype=exact).to(memory.value.dtype)


def fused_pays(device: torch.device | None = None) -> bool:
    """Whether a fused attention kernel is the faster one, on a device or on this machine.

    Measured on a CPU with AVX-512, forward and backward, 20 to 257 tokens: written out, attention
    is as fast in float32 and 1.3 to 8 times as fast in bfloat16.
    """
    if device is not None:
        return device.type != "cpu"
    return torch.accelerator.is_available()


class Attention(nn.Module):
    """Multi-head attention of tokens on themselves or on a memory of another width.

    Args:
        width: D, of the tokens that look; heads divide it.
        heads: how many.
        memory_width: width of the tokens looked at.
        dropout: chance of an attention weight to be dropped in training, 0 to 1.
    """

    look: Callable[[Tensor, Memory, float], Tensor] = staticmethod(attend)
    """How queries look at a memory; whoever wants to see the weights puts a function of the same
    form in its place, on the one instance."""

    def __init__(self, width: int, heads: int, memory_width: int, dropout: float) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}")
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(memory_width, width)
        self.value = nn.Linear(memory_width, width)
        self.output = nn.Linear(width, width)

    def remember(self, tokens: Tensor, mask: Tensor | None) -> Memory:
        """Keys and values of tokens `(R, N, memory width)`; `mask` is from `visible`."""
        return Memory(self._split(self.key(tokens)), self._split(self.value(tokens)), mask)

    def forward(self, tokens: Tensor, memory: Memory) -> Tensor:
        """What tokens `(P, L, D)` see in a memory, `(P, L, D)`."""
        dropout = self.dropout if self.training else 0.0
        seen = self.look(self._split(self.query(tokens)), memory, dropout)
        return self.output(seen.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)
