"""Where on an image the outputs of convolutions look."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def middles(
    convolutions: Sequence[nn.Conv2d], count: int, side: int, axis: int
) -> tuple[float, ...] | None:
    """The middle of what each output sees along one side of an image, in shares of it.

    A convolution that pads, as those of a stem do, sees half a step less far than patches do.

    Args:
        convolutions: one after the other.
        count: how many outputs there are along the side.
        side: of the image, in pixels.
        axis: 0 counts rows, 1 columns.

    Returns:
        `count` numbers from 0 to 1; None where so many do not come out of these convolutions.
    """
    first, step, reach = 0.0, 1, 0
    for convolution in convolutions:
        if isinstance(convolution.padding, str):
            return None
        extent = convolution.dilation[axis] * (convolution.kernel_size[axis] - 1)
        first += (extent / 2 - convolution.padding[axis]) * step
        reach += extent * step
        step *= convolution.stride[axis]
    if not convolutions or -(-side // step) != count:
        return None
    seen = [first + step * place for place in range(count)]
    clipped = [(max(0.0, s - reach / 2), min(side - 1.0, s + reach / 2)) for s in seen]
    return tuple(((low + high) / 2 + 0.5) / side for low, high in clipped)


def even_middles(count: int) -> tuple[float, ...]:
    """The middles of `count` equal parts of a side, in shares of it."""
    return tuple((place + 0.5) / count for place in range(count))
