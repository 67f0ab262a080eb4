"""Regions as tokens."""

from __future__ import annotations

import pytest
import torch
from albefkit.registry.errors import ComponentError
from albefkit.vision.base import VisionEncoder

from albefkit_detector.encoder import RegionEncoder, place_numbers


def inputs(width: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    return torch.randn(2, 3, width), torch.rand(2, 3, 4), mask


def encoder() -> RegionEncoder:
    torch.manual_seed(1)
    return RegionEncoder(features=6, width=10, dropout=0.0)


def test_recipes_know_it_by_name():
    assert VisionEncoder.by_name("regions") is RegionEncoder


def test_a_place_is_seven_numbers():
    box = torch.tensor([[0.1, 0.2, 0.5, 0.8]])
    expected = torch.tensor([[0.1, 0.2, 0.5, 0.8, 0.4, 0.6, 0.24]])
    torch.testing.assert_close(place_numbers(box), expected)


def test_a_token_is_what_was_seen_and_where():
    model, (regions, boxes, mask) = encoder(), inputs()
    encoded = model(regions, boxes, mask)
    assert encoded.tokens.shape == (2, 3, 10) and torch.equal(encoded.mask, mask)
    for changed in (model(regions + 1, boxes, mask), model(regions, boxes / 2, mask)):
        assert not torch.allclose(changed.tokens, encoded.tokens, atol=1e-3)
    other = regions.clone()
    other[0, 1] += torch.randn(6)
    differs = (model(other, boxes, mask).tokens - encoded.tokens).abs().sum(2) > 1e-6
    assert differs.tolist() == [[False, True, False], [False, False, False]]


def test_padding_does_not_count_in_the_summary():
    model, (regions, boxes, mask) = encoder(), inputs()
    encoded = model(regions, boxes, mask)
    torch.testing.assert_close(encoded.pooled[0], encoded.tokens[0, :2].mean(0))
    torch.testing.assert_close(encoded.pooled[1], encoded.tokens[1, 0])
    assert model(regions, boxes, torch.zeros_like(mask)).pooled.isfinite().all()


def test_features_of_another_detector_are_refused_with_the_number_to_say():
    regions, boxes, mask = inputs(width=7)
    with pytest.raises(ComponentError, match="Say 'features: 7'"):
        encoder()(regions, boxes, mask)
