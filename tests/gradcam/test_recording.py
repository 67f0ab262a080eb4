"""Recording attention: the same answers, the weights behind them, and nothing left behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from albefkit.gradcam.recording import all_recorded, recorded
from albefkit.layers import attention as layers
from albefkit.layers.attention import Attention, visible, weights
from albefkit.vision.timm_model import TimmModel
from tests.gradcam.networks import SMALL_VIT, SMALL_XCIT

CLOSE = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture
def attention() -> Attention:
    torch.manual_seed(0)
    return Attention(8, 2, 6, dropout=0.5).double().eval()


def asked(attention: Attention) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randn(3, 4, 8, generator=generator).double()
    looked_at = torch.randn(3, 5, 6, generator=generator).double()
    mask = visible(torch.tensor([[1] * 5, [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]]).bool())
    return attention(tokens, attention.remember(looked_at, mask))


@pytest.mark.parametrize("fused", [False, True])
def test_a_recorded_attention_answers_as_before(attention, fused, monkeypatch):
    monkeypatch.setattr(layers, "fused_pays", lambda device=None: fused)
    before = asked(attention)
    with recorded(attention) as record:
        during = asked(attention)
    torch.testing.assert_close(during, before, **CLOSE)
    assert record.weights.shape == (3, 2, 4, 5)
    assert torch.all(record.weights[1, ..., 3:] == 0)
    torch.testing.assert_close(record.weights.sum(-1), torch.ones(3, 2, 4).double())


def test_nothing_is_left_behind(attention, monkeypatch):
    with pytest.raises(KeyError), recorded(attention) as record:
        asked(attention)
        raise KeyError
    kept, calls = record.weights, []
    monkeypatch.setattr(layers, "weights", lambda *given: calls.append(1) or weights(*given))
    monkeypatch.setattr(layers, "fused_pays", lambda device=None: True)
    asked(attention)
    assert record.weights is kept
    assert not calls  # the fused kernel is back


def test_weights_are_those_before_dropout(attention):
    with recorded(attention) as record:
        asked(attention)
        still = record.weights
        attention.train()
        asked(attention)
    torch.testing.assert_close(record.weights, still, **CLOSE)


def test_gradients_reach_a_frozen_attention(attention):
    attention.requires_grad_(False)
    with recorded(attention) as record:
        seen = asked(attention)
    (gradient,) = torch.autograd.grad(seen.square().sum(), [record.weights])
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("sizes", [SMALL_VIT, SMALL_XCIT], ids=["vit", "xcit"])
def test_attention_of_timm(sizes, fused):
    torch.manual_seed(0)
    vision = TimmModel(**sizes).double().eval()
    parts = [part for part in vision.modules() if hasattr(part, "fused_attn")]
    for part in parts:
        part.fused_attn = fused
    side = vision.image_size
    images = torch.randn(2, 3, side, side).double()
    before = vision(images).tokens
    with all_recorded(parts) as records:
        during = vision(images).tokens
    torch.testing.assert_close(during, before, **CLOSE)
    assert [part.fused_attn for part in parts] == [fused] * len(parts)
    for record in records:
        sums = record.weights.sum(-1)
        torch.testing.assert_close(sums, torch.ones_like(sums))
    kept = [record.weights for record in records]
    vision(images)
    assert all(record.weights is weight for record, weight in zip(records, kept, strict=True))


def test_what_is_no_attention_is_refused():
    with pytest.raises(TypeError, match="Linear"), recorded(nn.Linear(2, 2)):
        pass


def test_an_attention_that_was_not_called_has_no_weights(attention):
    with recorded(attention) as record:
        pass
    with pytest.raises(RuntimeError, match="not called"):
        _ = record.weights
