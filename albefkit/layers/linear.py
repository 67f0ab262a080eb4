"""Linear layers whose matrix products are oneDNN's where torch would take a slower library."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.utils.flop_counter import register_flop_formula

SMALLEST = 2**18
"""Weights with fewer elements are left to torch: there the call costs what the product saves."""

PROCESSORS = Path("/proc/cpuinfo")


def linear(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`rows @ weight.T + bias`, `(..., N)` of rows `(..., M)` and a weight `(N, M)`."""
    if not _onednn_takes(rows, weight):
        return F.linear(rows, weight, bias)
    if torch.is_grad_enabled():
        return _Linear.apply(rows, weight, bias)  # type: ignore[no-untyped-call, no-any-return]
    return _product(rows, weight, bias)


class OneDnnLinear(nn.Linear):
    """What `use_onednn` makes of an `nn.Linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """As that of `nn.Linear`."""
        return linear(input, self.weight, self.bias)


def use_onednn(network: nn.Module) -> int:
    """Let the large linear layers of a network compute with oneDNN where `mkl_is_slow`.

    Weights, their names and, but for rounding, results stay what they are.

    Returns:
        How many layers.
    """
    if not mkl_is_slow():
        return 0
    layers = [each for each in network.modules() if type(each) is nn.Linear]
    large = [layer for layer in layers if layer.weight.numel() >= SMALLEST]
    for layer in large:
        layer.__class__ = OneDnnLinear
    return len(large)


@cache
def mkl_is_slow() -> bool:
    """Whether torch multiplies float32 matrices with MKL on a processor that MKL does not favour.

    It keeps its AVX-512 kernels for its maker's processors. On two cores of an AMD EPYC (Zen 4)
    oneDNN was 1.05 to 1.4 times as fast for the layers of ALBEF, and 3 times for a word head over
    ten tokens. A rule, not a measurement: a resumed run must find the same numbers.
    """
    libraries = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    if not libraries or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    amd = PROCESSORS.exists() and "AuthenticAMD" in PROCESSORS.read_text()
    return amd and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _onednn_takes(rows: Tensor, weight: Tensor) -> bool:
    if torch.compiler.is_compiling():
        return False  # the compiler chooses for itself
    return (
        weight.numel() >= SMALLEST
        and rows.device.type == weight.device.type == "cpu"
        and rows.dtype == weight.dtype == torch.float32
        and rows.dim() > 1
        and rows.numel() > 0
        and not torch.is_autocast_enabled("cpu")
        and mkl_is_slow()
    )


def _product(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return found


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return _product(rows, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        rows, weight = ctx.saved_tensors
        for_rows, for_weight, for_bias = ctx.needs_input_grad
        grads = grad.flatten(0, -2)
        return (
            _product(grad, weight.T, None) if for_rows else None,
            grads.T @ rows.flatten(0, -2) if for_weight else None,
            grads.sum(0) if for_bias else None,
        )


if hasattr(torch.ops.mkldnn, "_linear_pointwise"):

    @register_flop_formula(torch.ops.mkldnn._linear_pointwise)  # type: ignore[untyped-decorator]
    def _operations(
        rows: torch.Size, weight: torch.Size, *_: object, out_shape: torch.Size, **__: object
    ) -> int:
        return 2 * out_shape.numel() * rows[-1]
