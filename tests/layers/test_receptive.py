"""Where tokens look, against which pixels move them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from albefkit.layers.receptive import even_middles, middles
from albefkit.vision.timm_model import TimmModel

SIDE = 64


def stem(*shapes: tuple[int, int, int]) -> list[nn.Conv2d]:
    channels = [3, *[4] * len(shapes)]
    return [
        nn.Conv2d(channels[i], 4, kernel, stride, padding)
        for i, (kernel, stride, padding) in enumerate(shapes)
    ]


def measured(convolutions: list[nn.Conv2d]) -> tuple[float, ...]:
    """The middle row of the pixels that each output row depends on."""
    image = torch.zeros(1, 3, SIDE, SIDE, requires_grad=True)
    for convolution in convolutions:
        nn.init.ones_(convolution.weight)
    out = nn.Sequential(*convolutions)(image)
    found = []
    for row in range(out.shape[2]):
        (gradient,) = torch.autograd.grad(out[0, :, row].sum(), [image], retain_graph=True)
        seen = gradient.abs().sum((0, 1, 3)).nonzero()
        found.append(((seen.min() + seen.max()).item() / 2 + 0.5) / SIDE)
    return tuple(found)


@pytest.mark.parametrize(
    "shapes",
    [
        [(16, 16, 0)],
        [(3, 2, 1)] * 4,
        [(7, 4, 2), (3, 2, 1)],
        [(4, 4, 0), (2, 2, 0), (1, 1, 0)],
        [(3, 2, 0), (5, 1, 2), (3, 2, 1)],
    ],
    ids=["patches", "stem", "overlapping", "pyramid", "mixed"],
)
def test_middles_are_those_of_the_pixels_that_matter(shapes):
    convolutions = stem(*shapes)
    wanted = measured(convolutions)
    found = middles(convolutions, len(wanted), SIDE, 0)
    assert found == pytest.approx(wanted, abs=0.5 / SIDE)


def test_other_grids_are_not_guessed_at():
    assert middles(stem((4, 4, 0)), 2, SIDE, 0) is None
    assert middles([], 4, SIDE, 0) is None
    same = nn.Conv2d(3, 4, 3, padding="same")
    assert middles([same], SIDE, SIDE, 0) is None


def test_tokens_of_patches_look_at_their_cells_and_those_of_a_stem_beside_them():
    sizes = {"image_size": SIDE, "patch_size": 16, "width": 16, "depth": 1, "heads": 2}
    patches = TimmModel(name="vit_base_patch16_224", pretrained=False, **sizes)
    assert patches.grid_middles[0] == pytest.approx(even_middles(4))
    convolutional = TimmModel(name="xcit_nano_12_p16_224", pretrained=False, **sizes)
    rows, columns = convolutional.grid_middles
    assert rows == columns == pytest.approx([8 / 64, 16.5 / 64, 32.5 / 64, 48.5 / 64])
    assert TimmModel(name="resnet10t", image_size=SIDE, pretrained=False).grid_middles == (
        even_middles(2),
        even_middles(2),
    )
