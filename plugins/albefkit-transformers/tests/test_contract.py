"""What albefkit asks of every vision backbone."""

from __future__ import annotations

from albefkit.testing import conformance
from albefkit.vision.base import VisionEncoder

from albefkit_transformers.tower import TransformersTower


def test_recipes_know_it_by_name():
    assert VisionEncoder.by_name("transformers") is TransformersTower


@conformance(
    "vision",
    "transformers",
    options={
        **{"name": "dinov3_vit", "image_size": 32, "patch_size": 16, "width": 16},
        **{"layers": 1, "heads": 2, "feed_forward": 32, "pretrained": False},
    },
)
def test_tower(check):
    check()
