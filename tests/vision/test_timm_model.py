"""Models of timm: transformers and convolutional ones, at any size, pretrained or not."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.layers import use_fused_attn
from torch import nn

from albefkit.layers.positions import interpolate_positions
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from albefkit.vision.base import CLIP_MEAN, IMAGENET_MEAN, VisionEncoder
from albefkit.vision.timm_model import TimmModel

SMALL = {"image_size": 32, "patch_size": 8, "width": 16, "depth": 2, "heads": 2}


def small(name: str = "vit_base_patch16_224", **settings) -> TimmModel:
    return TimmModel(name=name, pretrained=False, **SMALL | settings)


def save(name: str, folder: Path, **arguments) -> nn.Module:
    """Save a model with random weights as timm reads it from a folder."""
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=3, **arguments)
    config = {
        "architecture": name,
        "num_classes": 3,
        "model_args": arguments,
        "pretrained_cfg": {
            "input_size": [3, 32, 32],
            "num_classes": 3,
            "mean": [0.1, 0.2, 0.3],
            "std": [0.4, 0.5, 0.6],
            "first_conv": model.default_cfg["first_conv"],
            "classifier": model.default_cfg["classifier"],
        },
    }
    save_file(model.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return model


VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2}


def test_a_recipe_finds_it_by_name() -> None:
    assert VisionEncoder.by_name("timm") is TimmModel


@pytest.mark.parametrize(
    ("name", "settings", "grid", "prefix"),
    [
        ("vit_base_patch16_224", SMALL, (4, 4), 1),
        ("deit_base_distilled_patch16_224", SMALL, (4, 4), 2),
        ("vit_base_patch16_siglip_224", SMALL, (4, 4), 0),
        ("vit_base_patch16_reg4_gap_256", SMALL, (4, 4), 4),
        ("resnet10t", {"image_size": 64}, (2, 2), 0),
        ("convnext_atto", {"image_size": 64}, (2, 2), 0),
        ("swin_tiny_patch4_window7_224", {"image_size": 64}, (2, 2), 0),
        ("efficientnet_lite0", {"image_size": 64}, (2, 2), 0),
        ("mixer_s32_224", {"image_size": 64}, (2, 2), 0),
    ],
)
def test_transformers_and_maps_become_tokens(name, settings, grid, prefix) -> None:
    model = TimmModel(name=name, pretrained=False, **settings)
    side = settings["image_size"]
    encoded = model.eval()(torch.randn(2, 3, side, side))
    assert encoded.tokens.shape == (2, prefix + grid[0] * grid[1], model.width)
    assert encoded.mask is None
    assert encoded.pooled.shape == (2, model.width)
    assert (model.grid, model.prefix_tokens, model.image_size) == (grid, prefix, side)
    if name in ("vit_base_patch16_224", "deit_base_distilled_patch16_224"):
        assert torch.equal(encoded.pooled, encoded.tokens[:, 0])
    else:
        torch.testing.assert_close(encoded.pooled, encoded.tokens[:, prefix:].mean(dim=1))


@pytest.mark.parametrize("name", ["resnet10t", "swin_tiny_patch4_window7_224"])
def test_tokens_of_a_map_lie_row_by_row(name: str) -> None:
    model = TimmModel(name=name, image_size=64, pretrained=False).eval()
    images = torch.randn(1, 3, 64, 64)
    features = model.model.forward_features(images)
    if features.shape[-1] != model.width:
        features = features.permute(0, 2, 3, 1)
    tokens = model(images).tokens
    assert torch.equal(tokens[0, 1], features[0, 0, 1])
    assert torch.equal(tokens[0, 2], features[0, 1, 0])


@pytest.mark.parametrize(
    "name", ["vit_base_patch16_224", "vit_base_patch16_siglip_224", "convnext_atto"]
)
def test_no_weight_stays_without_a_gradient(name: str) -> None:
    settings = {"image_size": 64} if name == "convnext_atto" else SMALL
    model = TimmModel(name=name, pretrained=False, **settings)
    side = model.image_size
    model(torch.randn(2, 3, side, side)).tokens.pow(3).sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_building_changes_neither_the_mode_nor_the_statistics_nor_timm() -> None:
    before = use_fused_attn()
    model = TimmModel(name="resnet10t", image_size=64, pretrained=False)
    assert model.training and model.model.training and use_fused_attn() is before
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    assert norms and all(norm.num_batches_tracked == 0 for norm in norms)


def test_it_builds_on_the_meta_device() -> None:
    with torch.device("meta"):
        model = small()
    assert model.grid == (4, 4) and next(model.parameters()).is_meta


@pytest.mark.parametrize("size", [32, 48])
def test_pretrained_positions_follow_the_image_size(size: int, tmp_path: Path) -> None:
    theirs = save("vit_tiny_patch16_224", tmp_path, **VIT).state_dict()
    model = TimmModel(name=f"local-dir:{tmp_path}", image_size=size, pretrained=True)
    ours = model.model.state_dict()
    side = size // 8
    expected = interpolate_positions(theirs["pos_embed"], (side, side), 1)
    assert torch.equal(ours["pos_embed"], expected)
    assert torch.equal(ours["blocks.1.mlp.fc1.weight"], theirs["blocks.1.mlp.fc1.weight"])
    report = model.load_report
    assert report is not None and report.pretrained and report.names("fresh") == []
    assert report.names("interpolated") == ([] if size == 32 else ["pos_embed"])


def test_a_norm_behind_the_pooling_is_applied_to_every_token(tmp_path: Path) -> None:
    theirs = save("vit_base_patch16_reg4_gap_256", tmp_path, **VIT).state_dict()
    model = TimmModel(name=f"local-dir:{tmp_path}", image_size=48, pretrained=True)
    assert torch.equal(model.model.state_dict()["norm.weight"], theirs["fc_norm.weight"])
    report = model.load_report
    assert report is not None and report.names("renamed") == ["norm.weight", "norm.bias"]
    assert report.names("interpolated") == ["pos_embed"]


def test_pretrained_maps_are_loaded_whole(tmp_path: Path) -> None:
    theirs = save("resnet10t", tmp_path).state_dict()
    model = TimmModel(name=f"local-dir:{tmp_path}", image_size=64, pretrained="auto")
    report = model.load_report
    assert report is not None and len(report.names("loaded")) == len(model.model.state_dict())
    assert torch.equal(
        model.model.state_dict()["layer4.0.conv1.weight"], theirs["layer4.0.conv1.weight"]
    )


def test_fewer_blocks_of_a_pretrained_model(tmp_path: Path) -> None:
    save("vit_tiny_patch16_224", tmp_path, **VIT)
    model = TimmModel(name=f"local-dir:{tmp_path}", image_size=32, depth=1, pretrained=True)
    report = model.load_report
    assert report is not None and all("blocks.1." in name for name in report.names("dropped"))


def test_weights_of_another_width_are_an_error_that_names_them(tmp_path: Path) -> None:
    save("vit_tiny_patch16_224", tmp_path, **VIT)
    with pytest.raises(ComponentError) as caught:
        TimmModel(name=f"local-dir:{tmp_path}", image_size=32, width=32, pretrained=True)
    assert "tensors of the backbone are not in" in str(caught.value)
    assert "cls_token" in str(caught.value)


@pytest.mark.parametrize(
    ("normalization", "mean"),
    [("clip", CLIP_MEAN), ("imagenet", IMAGENET_MEAN), ("model", (0.1, 0.2, 0.3))],
)
def test_normalization_is_the_recipes_choice(normalization, mean, tmp_path: Path) -> None:
    save("vit_tiny_patch16_224", tmp_path, **VIT)
    model = TimmModel(
        name=f"local-dir:{tmp_path}",
        image_size=32,
        pretrained=False,
        normalization=normalization,
    )
    assert model.mean == mean


def test_a_name_with_a_slip_names_the_nearest() -> None:
    with pytest.raises(ComponentError) as caught:
        TimmModel(name="vit_base_patch16_22", pretrained=False)
    assert "timm has no model 'vit_base_patch16_22'" in str(caught.value)
    assert "vit_base_patch16_224" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "resnet10t", "width": 32}, "width|embed_dim"),
        ({"heads": 3}, "heads|divisible"),
        ({"name": "local-dir:/nowhere"}, "nowhere"),
    ],
)
def test_what_timm_cannot_make_is_said(settings: dict, message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        TimmModel(**SMALL | {"pretrained": False} | settings)


def test_out_of_reach_auto_starts_at_random_and_true_insists(monkeypatch) -> None:
    far = "the hub is far away"
    monkeypatch.setattr("albefkit.layers.weights.unreachable", lambda url: far)
    monkeypatch.setattr("albefkit.vision.timm_weights.unreachable", lambda url: far)
    with pytest.warns(AlbefkitWarning, match=f"random weights.*{far}"):
        model = TimmModel(**SMALL, name="deit_base_patch16_224", pretrained="auto")
    assert model.load_report is not None and not model.load_report.pretrained
    with pytest.raises(ComponentError, match=far):
        TimmModel(**SMALL, name="deit_base_patch16_224", pretrained=True)
    with pytest.raises(ComponentError, match="no pretrained weights for mixer_s32_224"):
        TimmModel(name="mixer_s32_224", image_size=64, pretrained=True)


def test_pretrained_false_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small()


def test_half_precision_is_finite_and_close() -> None:
    model = small().eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        exact = model(images).tokens
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = model(images).tokens
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)
