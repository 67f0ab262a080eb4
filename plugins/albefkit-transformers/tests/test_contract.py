"""What albefkit asks of every vision backbone."""

from __future__ import annotations

from albefkit.vision.base import VisionEncoder

from albefkit_transformers.tower import TransformersTower


def test_recipes_know_it_by_name():
    assert VisionEncoder.by_name("transformers") is TransformersTower
