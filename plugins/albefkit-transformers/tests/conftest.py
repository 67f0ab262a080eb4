"""Tiny vision transformers in the layout of the hub, in local folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, SiglipConfig
from transformers.utils import logging

SIZE, PATCH, WIDTH, LAYERS = 32, 8, 16, 2
TINY: dict[str, Any] = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "image_size": SIZE,
    "patch_size": PATCH,
}
FED = TINY | {"intermediate_size": 24}
CONFIGS: dict[str, dict[str, Any]] = {
    "siglip_vision_model": FED,
    "dinov2_with_registers": TINY,
    "dinov3_vit": FED | {"num_register_tokens": 4},
    "dinov2": TINY,
    "ijepa": FED,
    "vit": FED,
    "deit": FED,
    "clip_vision_model": FED,
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own for every test, and nobody waits for a hub."""
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("albefkit.layers.weights.unreachable", lambda url: "the hub is far away")


def save(kind: str, folder: Path, pixels: tuple[float, float] | None = None) -> Any:
    """Save a model with random weights, and give it.

    Args:
        kind: as transformers calls it.
        folder: where to.
        pixels: mean and deviation that its images had, the same for each channel.
    """
    return save_model(
        AutoModel.from_config(AutoConfig.for_model(kind, **CONFIGS[kind])), folder, pixels
    )


def save_two_towers(folder: Path) -> Any:
    """Save a whole SigLIP, and give its image tower."""
    text = {"vocab_size": 20, "max_position_embeddings": 8} | FED
    del text["image_size"], text["patch_size"]
    config = SiglipConfig(text_config=text, vision_config=FED)
    return save_model(AutoModel.from_config(config), folder).vision_model


def save_model(model: Any, folder: Path, pixels: tuple[float, float] | None = None) -> Any:
    logging.disable_progress_bar()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    if pixels:
        said = {"image_processor_type": "ViTImageProcessor"}
        said |= {"image_mean": [pixels[0]] * 3, "image_std": [pixels[1]] * 3}
        (folder / "preprocessor_config.json").write_text(json.dumps(said))
    return model.eval()
