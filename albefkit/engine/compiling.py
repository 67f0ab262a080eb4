"""Layers of a network as machine code of their own: torch.compile, layer by layer."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from typing import Literal

import torch
from torch import Tensor, nn

from albefkit.engine.pretrainer import Pretrainer
from albefkit.registry.errors import AlbefkitWarning

Compile = Literal["auto"] | bool


def compile_layers(pretrainer: Pretrainer, wanted: Compile, device: torch.device) -> int:
    """Compile the repeated layers of student and teacher, in place, at their first step.

    Layers of one kind share their code, so that twelve take little longer to compile than one; what
    lies between them stays as it is. Where this machine cannot compile, a warning says why.

    Args:
        pretrainer: on its device.
        wanted: `auto` compiles on a GPU: on two CPU cores, base steps were 1.1 times as fast after
            six minutes of compiling.
        device: where the pretrainer is.

    Returns:
        How many layers.
    """
    if not (device.type == "cuda" if wanted == "auto" else wanted):
        return 0
    reason = _obstacle(device)
    if reason is not None:
        message = f"train.compile: nothing is compiled, {reason}. Steps are taken without it."
        warnings.warn(AlbefkitWarning(message), stacklevel=2)
        return 0
    # A layer that the compiler cannot translate is carried out as it is written.
    torch._dynamo.config.suppress_errors = True
    layers = repeated_layers(pretrainer)
    for layer in layers:
        layer.compile()
    return len(layers)


def uncompiled() -> AbstractContextManager[object]:
    """Carry out compiled layers as they are written: examinations have too many shapes."""
    return torch.compiler.set_stance("force_eager")


def repeated_layers(network: nn.Module) -> list[nn.Module]:
    """The members of each row of modules of one kind, outermost rows only."""
    found: list[nn.Module] = []
    for child in network.children():
        members = list(child.children())
        in_a_row = isinstance(child, nn.ModuleList | nn.Sequential) and len(members) > 1
        if in_a_row and len({type(member) for member in members}) == 1:
            found += members
        else:
            found += repeated_layers(child)
    return found


def _obstacle(device: torch.device) -> str | None:
    """Why nothing can be compiled here; None where it can."""
    try:
        torch.compile(_line)(torch.ones(2, device=device))
    except Exception as error:  # many types, depending on what is missing
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        return f"for a line of arithmetic ended in {type(error).__name__}: {first.strip()}"
    return None


def _line(numbers: Tensor) -> Tensor:
    return numbers.sin() + 1
