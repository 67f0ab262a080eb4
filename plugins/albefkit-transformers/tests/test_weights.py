"""Pretrained weights: the numbers of the model they come from, at any image size."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch
from albefkit.layers.weights import weights_from_elsewhere
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from transformers import AutoModel, BertConfig

from albefkit_transformers.tower import TransformersTower

from .conftest import CONFIGS, LAYERS, SIZE, save, save_model, save_two_towers


def loaded(folder: Path, **settings) -> TransformersTower:
    tower = TransformersTower(
        name=str(folder), **{"image_size": SIZE, "pretrained": True} | settings
    )
    return tower.eval()


def said_by(model, images: torch.Tensor) -> torch.Tensor:
    """The model's own last hidden states, resizing its positions where it has to be asked to."""
    asked = "interpolate_pos_encoding" in inspect.signature(model.forward).parameters
    with torch.no_grad():
        resizing = {"interpolate_pos_encoding": True} if asked else {}
        return model(pixel_values=images, **resizing).last_hidden_state


@pytest.mark.parametrize("size", [SIZE, 48])
@pytest.mark.parametrize("kind", CONFIGS)
def test_tokens_are_those_of_the_model(kind: str, size: int, tmp_path: Path):
    theirs, tower = save(kind, tmp_path), loaded(tmp_path, image_size=size)
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        tokens = tower(images).tokens
    torch.testing.assert_close(tokens, said_by(theirs, images), rtol=0, atol=1e-6)
    report = tower.load_report
    assert report is not None and report.pretrained and report.names("fresh") == []
    resized = report.names("interpolated")
    assert len(resized) == (size != SIZE and kind != "dinov3_vit"), resized


def test_the_image_tower_of_two_is_taken(tmp_path: Path):
    theirs, tower = save_two_towers(tmp_path), loaded(tmp_path)
    images = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        tokens = tower(images).tokens
    torch.testing.assert_close(tokens, said_by(theirs, images), rtol=0, atol=1e-6)
    report = tower.load_report
    assert report is not None and report.names("fresh") == []
    assert any("text_model" in name for name in report.names("dropped"))
    assert any("head.attention" in name for name in report.names("dropped"))


def test_fewer_layers_of_a_pretrained_model(tmp_path: Path):
    save("siglip_vision_model", tmp_path)
    tower = loaded(tmp_path, layers=1)
    assert len(tower.model.encoder.layers) == 1 and tower.load_report is not None
    assert any("layers.1." in name for name in tower.load_report.names("dropped"))


@pytest.mark.parametrize(
    ("sizes", "named"), [({"width": 24}, "patch_embedding"), ({"layers": LAYERS + 1}, "layers.2")]
)
def test_weights_of_another_shape_are_an_error_that_names_them(sizes, named, tmp_path: Path):
    save("siglip_vision_model", tmp_path)
    with pytest.raises(ComponentError, match="tensors of the backbone are not in") as caught:
        loaded(tmp_path, **sizes)
    assert named in str(caught.value)


def test_only_safetensors_are_read(tmp_path: Path):
    theirs = save("dinov3_vit", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ComponentError, match="has no safetensors, and nothing else is read"):
        loaded(tmp_path)
    with pytest.warns(AlbefkitWarning, match="random weights.*has no safetensors"):
        assert not loaded(tmp_path, pretrained="auto").load_report.pretrained


def test_weights_of_another_kind_of_model_are_refused(tmp_path: Path):
    config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    save_model(AutoModel.from_config(config), tmp_path)
    with pytest.raises(ComponentError, match="is no plain vision transformer"):
        loaded(tmp_path)


def test_other_pixels_than_the_weights_were_trained_with_are_told(tmp_path: Path):
    save("siglip_vision_model", tmp_path, pixels=(0.5, 0.5))
    loaded(tmp_path, normalization="half")
    with pytest.warns(AlbefkitWarning, match="'imagenet': say 'normalization: half'"):
        loaded(tmp_path)


def test_a_run_that_brings_its_own_weights_needs_the_shape_alone(tmp_path: Path):
    save("siglip_vision_model", tmp_path, pixels=(0.5, 0.5))
    (tmp_path / "model.safetensors").unlink()
    with weights_from_elsewhere():
        assert loaded(tmp_path).load_report.reason == "weights come from elsewhere"
