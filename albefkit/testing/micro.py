"""The smallest recipe that is a whole model: what a component on trial is surrounded by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PARTS = Path(__file__).with_name("micro_parts.py")

MICRO: Mapping[str, Any] = {
    "model": {
        "vision": {
            "type": f"{_PARTS}:_MicroVision",
            "image_size": 16,
            "patch_size": 8,
            "width": 12,
        },
        "text": {
            "type": f"{_PARTS}:_MicroText",
            "width": 16,
            "max_tokens": 12,
            "vocabulary": 80,
        },
        "fusion": f"{_PARTS}:_MicroFusion",
    },
    "alignment": {"width": 8, "keys": "in-batch"},
    "teacher": {"type": "momentum", "momentum": 0.5},
    "objectives": {},
    "data": {"type": "scenes", "size": 16, "train": 12, "val": 6, "test": 6, "noise": 0.5},
    "augment": {"flip": "never"},
    "train": {"epochs": 2, "batch_size": 4, "workers": 0, "precision": "fp32"},
}
"""Everything is drawn or starts at random: no download, and well under a second to build."""
