"""Attention that keeps its weights for a while, so that a score can be traced back to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.layers.attention import Attention, Memory, weights


class Record:
    """What an attention did when it was last called."""

    def __init__(self) -> None:
        self._weights: Tensor | None = None

    @property
    def called(self) -> bool:
        """Whether there is anything to see."""
        return self._weights is not None

    @property
    def weights(self) -> Tensor:
        """`(R, heads, L, N)`, how much each query looks where: softmaxed, before dropout."""
        if self._weights is None:
            raise RuntimeError("this attention was not called while it was recorded")
        return self._weights

    def keep(self, weights: Tensor) -> Tensor:
        """Keep the weights that are about to be used.

        Returns:
            The weights to use: where gradients are on but none would reach them, because
            everything before them is frozen, they start a graph of their own.
        """
        if torch.is_grad_enabled() and not weights.requires_grad:
            weights = weights.detach().requires_grad_()
        self._weights = weights
        return weights


@contextmanager
def recorded(attention: nn.Module) -> Iterator[Record]:
    """Record an attention; afterwards, and everywhere else, it is as it was.

    While it is recorded attention is written out, as a fused kernel has no weights to show.

    Args:
        attention: ours, or an attention of timm (see `can_record`).

    Raises:
        TypeError: it is something else.
    """
    record = Record()
    if isinstance(attention, Attention):
        watched = _ours(attention, record.keep)
    elif can_record(attention):
        watched = _of_timm(attention, record.keep)
    else:
        raise TypeError(f"{type(attention).__name__} is no attention that can be recorded")
    with watched:
        yield record


@contextmanager
def all_recorded(attentions: Sequence[nn.Module]) -> Iterator[list[Record]]:
    """Record several attentions at once."""
    with ExitStack() as stack:
        yield [stack.enter_context(recorded(each)) for each in attentions]


def can_record(module: nn.Module) -> bool:
    """Whether a module is an attention that `recorded` takes.

    Those of timm all have a switch `fused_attn`, and hand their weights to a dropout `attn_drop`
    where it is off.
    """
    if isinstance(module, Attention):
        return True
    dropout = getattr(module, "attn_drop", None)
    return isinstance(dropout, nn.Dropout) and isinstance(getattr(module, "fused_attn", None), bool)


@contextmanager
def _ours(attention: Attention, keep: Callable[[Tensor], Tensor]) -> Iterator[None]:
    def look(query: Tensor, memory: Memory, dropout: float) -> Tensor:
        memory = memory.copied()
        return F.dropout(keep(weights(query, memory)), dropout) @ memory.value

    attention.look = look
    try:
        yield
    finally:
        del attention.look


@contextmanager
def _of_timm(attention: Any, keep: Callable[[Tensor], Tensor]) -> Iterator[None]:
    fused = attention.fused_attn
    hook = attention.attn_drop.register_forward_pre_hook(lambda _, given: (keep(given[0]),))
    attention.fused_attn = False
    try:
        yield
    finally:
        attention.fused_attn = fused
        hook.remove()
