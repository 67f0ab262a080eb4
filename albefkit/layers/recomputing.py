"""Layers that forget what they found on the way forward and find it again on the way back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from albefkit.registry.errors import AlbefkitWarning

T = TypeVar("T")


class Recomputing:
    """A module with layers in a row that may forget what they found.

    Where they do, only what goes into a layer is kept for the way back.
    """

    training: bool
    _forgets = False

    def checkpoint_activations(self) -> None:
        """From now on compute each layer again on the way back instead of keeping what it found."""
        self._forgets = True

    def through(self, layer: Callable[..., T], *inputs: object) -> T:
        """What a layer makes of its inputs; dropout falls alike both times."""
        if self._forgets and self.training and torch.is_grad_enabled():
            return cast("T", checkpoint(layer, *inputs, use_reentrant=False))
        return layer(*inputs)


def keep_activations(part: nn.Module, path: str, reason: str = "") -> None:
    """Warn that a part keeps its activations although a recipe would rather have them recomputed.

    Args:
        part: which.
        path: its place in the recipe.
        reason: why, as far as it is known.
    """
    because = f": {reason}" if reason else ""
    message = (
        f"train.checkpoint_activations: {path} ({type(part).__name__}) cannot recompute its layers"
        f"{because}. It keeps what they find, as without this option."
    )
    warnings.warn(AlbefkitWarning(message), stacklevel=2)


def count_batches_once(part: nn.Module) -> None:
    """Let batch normalisation take a batch into its statistics only the first time it sees it.

    Layers are computed again outside of the call of the part that they belong to.
    """
    calls: list[nn.Module] = []
    before: dict[nn.Module, list[Tensor]] = {}

    def hold(norm: nn.Module, *_: object) -> None:
        if not calls:
            before[norm] = [buffer.clone() for buffer in norm.buffers()]

    def restore(norm: nn.Module, *_: object) -> None:
        for buffer, value in zip(norm.buffers(), before.pop(norm, ()), strict=False):
            buffer.copy_(value)

    norms = [each for each in part.modules() if isinstance(each, _BatchNorm)]
    for norm in norms:
        norm.register_forward_pre_hook(hold)
        # Always: what is computed again stops as soon as nothing more of it is needed.
        norm.register_forward_hook(restore, always_call=True)
    if norms:
        part.register_forward_pre_hook(lambda *_: calls.append(part))
        part.register_forward_hook(lambda *_: calls.clear(), always_call=True)
