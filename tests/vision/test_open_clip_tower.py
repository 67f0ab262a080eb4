"""Image towers of OpenCLIP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from albefkit.layers.positions import interpolate_positions
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from albefkit.vision.base import VisionEncoder
from albefkit.vision.open_clip_tower import OpenClipTower

CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {
        "image_size": 32,
        "layers": 2,
        "width": 16,
        "head_width": 8,
        "patch_size": 8,
    },
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1},
}


def save(folder: Path) -> Any:
    """Save a CLIP model with random weights as open_clip reads it from a folder."""
    torch.manual_seed(0)
    preprocess = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    content = {"model_cfg": CONFIG, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return model.eval()


def test_all_tokens_and_the_models_own_summary(tmp_path: Path) -> None:
    clip = save(tmp_path)
    tower = OpenClipTower(name=f"local-dir:{tmp_path}", pretrained=True).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        encoded = tower(images)
        assert torch.equal(encoded.pooled @ clip.visual.proj, clip.encode_image(images))
    assert encoded.tokens.shape == (2, 17, 16) and encoded.mask is None
    assert torch.equal(encoded.pooled, encoded.tokens[:, 0])
    assert (tower.grid, tower.prefix_tokens, tower.width) == ((4, 4), 1, 16)
    assert tower.mean == (0.1, 0.2, 0.3) and tower.std == (0.4, 0.5, 0.6)
    assert tower.load_report is not None and tower.load_report.names("fresh") == []


def test_positions_follow_the_image_size(tmp_path: Path) -> None:
    clip = save(tmp_path)
    tower = OpenClipTower(name=f"local-dir:{tmp_path}", image_size=48, pretrained=True)
    expected = interpolate_positions(clip.visual.positional_embedding[None], (6, 6), 1)[0]
    assert torch.equal(tower.model.positional_embedding, expected)
    assert tower.load_report is not None
    assert tower.load_report.names("interpolated") == ["positional_embedding"]
    assert tower(torch.randn(1, 3, 48, 48)).tokens.shape == (1, 37, 16)


def test_any_size_from_random_weights() -> None:
    sizes = {"image_size": 32, "patch_size": 16, "width": 24, "layers": 2}
    tower = OpenClipTower(**sizes, heads=3, pretrained=False)  # type: ignore[arg-type]
    assert tower(torch.randn(2, 3, 32, 32)).tokens.shape == (2, 5, 24)
    blocks = tower.model.transformer.resblocks
    assert len(blocks) == 2 and blocks[0].attn.num_heads == 3
    wide = OpenClipTower(width=128, layers=1, pretrained=False)
    assert wide.model.transformer.resblocks[0].attn.head_dim == 64
    with pytest.raises(ComponentError, match="5 heads do not divide a width of 24"):
        OpenClipTower(**sizes, heads=5, pretrained=False)  # type: ignore[arg-type]


def test_weights_of_another_size_are_an_error_that_names_them(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(ComponentError, match="tensors of the backbone are not in"):
        OpenClipTower(name=f"local-dir:{tmp_path}", width=24)
    fewer = OpenClipTower(name=f"local-dir:{tmp_path}", layers=1)
    assert fewer.load_report is not None and fewer.load_report.names("fresh") == []


def test_no_weight_stays_without_a_gradient(tmp_path: Path) -> None:
    save(tmp_path)
    tower = OpenClipTower(name=f"local-dir:{tmp_path}", pretrained=False)
    tower(torch.randn(2, 3, 32, 32)).tokens.pow(3).sum().backward()
    assert [n for n, p in tower.named_parameters() if p.grad is None] == []


def test_a_folder_without_weights_does_not_pass_for_pretrained(tmp_path: Path) -> None:
    save(tmp_path)
    (tmp_path / "open_clip_model.safetensors").unlink()
    with pytest.raises(ComponentError, match="open_clip cannot make"):
        OpenClipTower(name=f"local-dir:{tmp_path}", pretrained=True)


@pytest.mark.parametrize(
    ("name", "message"), [("RN50", "no plain vision transformer"), ("nope", "no model 'nope'")]
)
def test_other_towers_are_refused(name: str, message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        OpenClipTower(name=name, pretrained=False)


def test_unknown_weights_and_an_unreachable_hub(monkeypatch) -> None:
    monkeypatch.setattr("albefkit.layers.open_clip_models.unreachable", lambda url: "far away")
    with pytest.raises(ComponentError, match=r"has no weights 'x'; there are: .*openai"):
        OpenClipTower(name="ViT-B-32", weights="x", pretrained=True)
    with pytest.warns(AlbefkitWarning, match="random weights: far away"):
        OpenClipTower(name="ViT-B-32", weights="openai")


def test_a_recipe_finds_it_by_name() -> None:
    assert VisionEncoder.by_name("open-clip") is OpenClipTower
