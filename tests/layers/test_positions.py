"""Position embeddings at another size."""

from __future__ import annotations

import pytest
import torch

from albefkit.layers.positions import interpolate_positions


def test_the_same_size_is_the_same_tensor() -> None:
    table = torch.randn(1, 17, 8)
    assert interpolate_positions(table, (4, 4), 1) is table


@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_prefix_tokens_stay_and_a_constant_stays_constant(prefix: int) -> None:
    table = torch.cat([torch.randn(1, prefix, 8), torch.ones(1, 16, 8)], dim=1)
    resized = interpolate_positions(table, (3, 7), prefix)
    assert resized.shape == (1, prefix + 21, 8)
    assert torch.equal(resized[:, :prefix], table[:, :prefix])
    torch.testing.assert_close(resized[:, prefix:], torch.ones(1, 21, 8))


@pytest.mark.parametrize("tokens", [1, 13])
def test_a_grid_that_is_not_square_is_refused(tokens: int) -> None:
    with pytest.raises(ValueError, match="do not make a square grid"):
        interpolate_positions(torch.zeros(1, tokens, 8), (4, 4), 1)
