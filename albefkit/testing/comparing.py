"""Are results the same? And if not, how far apart are they?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from albefkit.testing.contract import Seen

Named = Mapping[str, Tensor]

TOLERANCE = 1e-4
"""Of the largest value: what another order of the same sums may cost in float32."""


def expect_same(one: Named, other: Named, when: str, tolerance: float = TOLERANCE) -> None:
    """Compare results, part by part.

    Args:
        one: part -> values.
        other: the same parts.
        when: what was done in between, for the message.
        tolerance: how far apart values may be, as a share of the largest; 0: not at all.

    Raises:
        Seen: parts are missing, of another shape, or differ.
    """
    if one.keys() != other.keys():
        raise Seen(f"there are {', '.join(one)} and, {when}, {', '.join(other)}")
    for name, value in one.items():
        if value.shape != other[name].shape:
            raise Seen(f"{name} are {shape(value)} and, {when}, {shape(other[name])}")
        far = _distance(value.detach(), other[name].detach())
        if not far <= tolerance * _largest(value.detach()):
            raise Seen(f"{name} differ by up to {far:.3g} {when}")


def differ(one: Named, other: Named) -> bool:
    """Whether results differ by more than rounding."""
    try:
        expect_same(one, other, "")
    except Seen:
        return True
    return False


def shape(tensor: Tensor) -> str:
    """A shape for people: `(2, 3)`."""
    return str(tuple(tensor.shape))


def kept(tensors: Sequence[Tensor | None]) -> dict[str, Tensor]:
    """Copies of tensors, by place, to compare with later."""
    return {str(n): each.detach().clone() for n, each in enumerate(tensors) if each is not None}


def state(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all that a module would save."""
    return {name: each.detach().clone() for name, each in module.state_dict().items()}


def shaken(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with every weight moved a little: what starts as nothing must not stay silent."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator).to(weight))
    return module


def _distance(one: Tensor, other: Tensor) -> float:
    if not one.numel():
        return 0.0
    if not one.is_floating_point():
        return float((one != other).any())
    return float((one.double() - other.double()).abs().max())


def _largest(values: Tensor) -> float:
    """The size of the largest of some numbers, at least 1."""
    if not values.numel() or not values.is_floating_point():
        return 1.0
    return max(1.0, float(values.abs().max()))
