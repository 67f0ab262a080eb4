"""The recipe of a released checkpoint: that of its task, with the sizes of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from albefkit.interop.layouts import LAYOUTS, NLVR_ASSIGN, PRETRAIN, RETRIEVAL, Layout
from albefkit.interop.released_shape import ReleasedShape
from albefkit.recipe.dump import to_yaml
from albefkit.registry.errors import ComponentError, Problem

HEAD_WIDTH = 64
"""Of one head of attention in every network that the authors released."""
RECIPES: Mapping[str, str] = {layout.name: f"downstream/{layout.name}" for layout in LAYOUTS} | {
    PRETRAIN.name: "albef_base"
}
"""Layout -> the shipped recipe of its task."""
DATA: Mapping[str, str] = {"entailment": "entailment", "vqa": "vqa", "nlvr": "nlvr"}
"""Layout -> the type of its data in files; captions for the rest."""
MAX_TOKENS: Mapping[str, int] = {PRETRAIN.name: 25, NLVR_ASSIGN.name: 25, RETRIEVAL.name: 30}
"""Layout -> where its task cuts texts (spec 2, 3 and 6); the rest does not."""
VISION, TEXT = "vit_base_patch16_224", "bert-base-uncased"


def released_recipe(
    layout: Layout,
    shape: ReleasedShape,
    *,
    source: Path,
    temperature: float | None = None,
    heads: int | None = None,
) -> str:
    """The text of a recipe that builds the network of a released checkpoint.

    Args:
        layout: its task.
        shape: what it measures.
        source: the file; the recipe starts from it.
        temperature: of its shared space.
        heads: of all attention; None: one for every 64 of the width, as released.

    Raises:
        ComponentError: so many heads do not divide the widths.
    """
    changes: dict[str, Any] = {
        "extends": RECIPES[layout.name],
        "init": str(source.resolve()),
        "model": _model(layout, shape, heads),
        "data": {"type": DATA.get(layout.name, "captions")},
    }
    if shape.decoder_layers not in (0, shape.fusion_layers):
        changes["objectives"] = {"answer": {"layers": shape.decoder_layers}}
    if shape.shared_width is not None:
        alignment: dict[str, Any] = {"width": shape.shared_width}
        if temperature is not None:
            alignment["temperature"] = temperature
        if layout is RETRIEVAL:
            alignment["temperature_range"] = None
        if shape.queue is not None:
            alignment["keys"] = {"type": "momentum-queue", "size": shape.queue}
        changes["alignment"] = alignment
    first = f"# {source.name}, a checkpoint of the released ALBEF for {layout.name}, converted.\n"
    return first + to_yaml(changes)


def _model(layout: Layout, shape: ReleasedShape, heads: int | None) -> dict[str, Any]:
    text_heads = _heads(shape.text_width, heads)
    upper = {
        "type": "cross-attention",
        "name": TEXT,
        "from_layer": shape.text_layers,
        "layers": shape.fusion_layers // layout.images,
        "heads": text_heads,
        "feed_forward": shape.fusion_feed_forward,
        "dropout": 0.1,
        "pretrained": False,
        "initial_std": None,
    }
    if layout.images > 1:
        upper |= {"type": "paired-cross-attention", "images": layout.images}
    return {
        "vision": {
            "type": "timm",
            "name": VISION,
            "image_size": shape.image_size,
            "patch_size": shape.patch_size,
            "width": shape.vision_width,
            "depth": shape.vision_layers,
            "heads": _heads(shape.vision_width, heads),
            "pretrained": False,
            "initial_std": None,
        },
        "text": {
            "type": "bert",
            "name": TEXT,
            "layers": shape.text_layers,
            "max_tokens": min(MAX_TOKENS.get(layout.name, shape.positions), shape.positions),
            "width": shape.text_width,
            "heads": text_heads,
            "feed_forward": shape.feed_forward,
            "positions": shape.positions,
            "dropout": 0.1,
            "pretrained": False,
            "vocabulary": None,
            "initial_std": None,
        },
        "fusion": upper,
    }


def _heads(width: int, heads: int | None) -> int:
    found = max(1, width // HEAD_WIDTH) if heads is None else heads
    if width % found:
        message = f"{found} heads of attention do not divide a width of {width}"
        hint = "Tensors do not say how many heads there are: say it with --heads."
        raise ComponentError(Problem("", "", message, hint))
    return found
