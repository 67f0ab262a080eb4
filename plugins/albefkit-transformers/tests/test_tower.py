"""Vision transformers at random: tokens, sizes, gradients, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from albefkit.vision.base import IMAGENET_MEAN

from albefkit_transformers.shapes import KNOWN
from albefkit_transformers.tower import HALF, TransformersTower

from .conftest import CONFIGS

PREFIX = {"siglip_vision_model": 0, "ijepa": 0, "deit": 2, "dinov2_with_registers": 5}
"""Tokens before those of the grid, where there is not one."""

SMALL = {"image_size": 32, "patch_size": 8, "width": 16, "layers": 2, "heads": 2}


def small(name: str = "dinov3_vit", **settings) -> TransformersTower:
    return TransformersTower(name=name, **SMALL | {"pretrained": False} | settings)


@pytest.mark.parametrize("kind", CONFIGS)
def test_tokens_of_the_grid_lie_behind_the_others(kind: str):
    tower = small(kind).eval()
    images = torch.randn(2, 3, 32, 32)
    prefix = PREFIX.get(kind, 1)
    encoded = tower(images)
    assert encoded.tokens.shape == (2, prefix + 16, 16) and encoded.mask is None
    assert (tower.grid, tower.prefix_tokens, tower.width) == ((4, 4), prefix, 16)
    expected = encoded.tokens[:, 0] if prefix else encoded.tokens.mean(dim=1)
    assert torch.equal(encoded.pooled, expected)
    alone = tower(images[1:])
    torch.testing.assert_close(alone.tokens[0], encoded.tokens[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", CONFIGS)
def test_each_weight_learns_or_takes_no_gradient(kind: str):
    tower = small(kind)
    assert tower.training and tower.model.training
    tower(torch.randn(2, 3, 32, 32)).tokens.pow(3).sum().backward()
    learning = {name for name, each in tower.named_parameters() if each.grad is not None}
    idle = {name for name, each in tower.named_parameters() if not each.requires_grad}
    assert learning | idle == {name for name, _ in tower.named_parameters()}
    allowed = ("mask_token", "post_layernorm.weight", "post_layernorm.bias")
    assert all(name.endswith(allowed) for name in idle) and not learning & idle


def test_a_recipe_changes_every_size():
    tower = small("siglip_vision_model", width=24, layers=3, heads=3, feed_forward=40)
    layers = tower.model.encoder.layers
    assert len(layers) == 3 and layers[0].self_attn.num_heads == 3
    assert layers[0].mlp.fc1.weight.shape == (40, 24)
    loud = small("siglip_vision_model", initial_std=0.5).model.encoder.layers[0].mlp.fc1.weight
    assert 0.4 < loud.std() < 0.6


def test_pixels_are_the_recipes_choice():
    assert small().mean == IMAGENET_MEAN
    tower = small(normalization="half")
    assert tower.mean == tower.std == HALF


def test_it_builds_on_the_meta_device():
    with torch.device("meta"):
        tower = small()
    assert tower.grid == (4, 4) and next(tower.parameters()).is_meta


def test_half_precision_is_finite_and_close():
    tower, images = small().eval(), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        exact = tower(images).tokens
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = tower(images).tokens
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", KNOWN)
def test_known_models_start_at_random_where_the_hub_is_out_of_reach(name: str):
    sizes = {"image_size": 28 if "dinov2" in name else 32, "width": 24, "layers": 1, "heads": 2}
    with pytest.warns(AlbefkitWarning, match="starts from random weights.*far away"):
        tower = TransformersTower(name=name, **sizes)
    assert tower.grid == (2, 2) and tower.load_report is not None
    assert not tower.load_report.pretrained and "far away" in tower.load_report.reason
    assert tower.prefix_tokens == (5 if "dino" in name else 0)
    with pytest.raises(ComponentError, match="far away"):
        TransformersTower(name=name, pretrained=True, **sizes)


def test_pretrained_false_looks_nowhere(monkeypatch: pytest.MonkeyPatch):
    def never(*_: object) -> None:
        raise AssertionError("nobody asked for weights")

    monkeypatch.setattr("albefkit_transformers.weights.find", never)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "nobody/nothing"}, "(?s)nothing says what 'nobody/nothing' is like.*dinov3_vit"),
        ({"name": "./nowhere"}, r"there is no folder \./nowhere"),
        ({"name": "bert"}, "(?s)of bert says nothing of num_channels, image_size.*type: timm"),
        ({"name": "convnext"}, "of convnext says nothing of hidden_size"),
        ({"name": "internvl_vision", "patch_size": None}, "has patches of many sizes"),
        ({"name": "vit_mae"}, "no token for each"),
        ({"name": "vitdet"}, "no token for each"),
        ({"name": "siglip2_vision_model"}, "of siglip2_vision_model says nothing of image_size"),
        ({"image_size": 36}, "(?s)not a whole number of 8-pixel patches.*Take image_size 32"),
        ({"heads": 3}, "3 heads do not divide a width of 16"),
        ({"name": "dinov2", "feed_forward": 24}, "dinov2 has no intermediate_size to set"),
        ({"width": 12}, "does not take images of 32 x 32"),
    ],
)
def test_what_cannot_be_is_said(settings: dict, message: str):
    with pytest.raises(ComponentError, match=message):
        small(**settings)


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ComponentError, match="model_type"):
        small(str(tmp_path))
