"""Patches of pixels."""

from __future__ import annotations

import pytest
import torch

from albefkit.vision.base import VisionEncoder
from albefkit.vision.patches import Patches


def test_each_token_sees_its_own_patch_and_nothing_else() -> None:
    model = Patches(image_size=32, patch_size=8, width=12)
    images = torch.randn(2, 3, 32, 32)
    first = model(images)
    assert first.tokens.shape == (2, 17, 12) and first.mask is None
    assert torch.equal(first.pooled, first.tokens[:, 0])
    changed = images.clone()
    changed[:, :, 8:16, 16:24] += 1.0  # row 1, column 2
    differs = (model(changed).tokens - first.tokens).abs().sum(dim=(0, 2)) > 0
    assert differs.nonzero().flatten().tolist() == [1 + 1 * 4 + 2]


def test_every_weight_learns() -> None:
    model = Patches(image_size=16, patch_size=8, width=12)
    model(torch.randn(2, 3, 16, 16)).tokens.square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert (model.grid, model.prefix_tokens, model.width) == ((2, 2), 1, 12)


def test_an_image_is_a_whole_number_of_patches() -> None:
    with pytest.raises(ValueError, match="take image_size 32"):
        Patches(image_size=40, patch_size=16)


def test_a_recipe_finds_it_by_name() -> None:
    assert VisionEncoder.by_name("patches") is Patches
