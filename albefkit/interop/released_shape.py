"""What a released state dict measures, and all the names that it must have (spec 13)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from albefkit.interop.layouts import Layout
from albefkit.interop.released_names import (
    DECODER_LAYERS,
    TEXT_LAYERS,
    TIED,
    Twin,
    first_fusion_layer,
    twin,
)
from albefkit.layers.bert_layout import BERT_PARTS
from albefkit.registry.errors import ComponentError

CROSS = "crossattention."
POSITIONS, PATCHES = "visual_encoder.pos_embed", "visual_encoder.patch_embed.proj.weight"
EXPAND = "intermediate.dense.weight"
EMBEDDINGS = ("position_ids", "word_embeddings.weight", "position_embeddings.weight")
BLOCK = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
HEADS: Mapping[str, tuple[str, ...]] = {
    "itm_head": ("",),
    "ta_head": ("",),
    "cls_head": (".0", ".2"),
    "vision_proj": ("",),
    "text_proj": ("",),
}
ONE_NETWORK = frozenset({"itm_head", "ta_head"})
"""Heads that the teacher does not have."""
BARE_TENSORS = frozenset({"temp", "image_queue", "text_queue", "queue_ptr", "idx_queue"})


@dataclass(frozen=True)
class ReleasedShape:
    """What a released network measures; how many heads attention has, its tensors do not say.

    Args:
        image_size: side of an image, in pixels.
        patch_size: side of a patch.
        vision_width: of an image token.
        vision_layers: blocks of the vision transformer.
        text_width: of a word.
        feed_forward: inner width of the layers that see words alone.
        fusion_feed_forward: of those that look at an image too; released, the same.
        positions: how many words it can count.
        vocabulary: how many it knows.
        text_layers: layers that see words alone.
        fusion_layers: layers that look at an image too.
        decoder_layers: of an answer decoder, or 0.
        shared_width: of the space that images and texts share, or None.
        queue: how many pairs its queue holds, or None.
        classes: how many a classification head tells apart, or None.
    """

    image_size: int
    patch_size: int
    vision_width: int
    vision_layers: int
    text_width: int
    feed_forward: int
    fusion_feed_forward: int
    positions: int
    vocabulary: int
    text_layers: int
    fusion_layers: int
    decoder_layers: int
    shared_width: int | None
    queue: int | None
    classes: int | None


def shape_of(released: Mapping[str, Tensor]) -> ReleasedShape:
    """Measure a released state dict.

    Raises:
        ComponentError: a tensor that says what it measures is not there or has another form.
    """
    student = {twin(name).name: tensor for name, tensor in released.items() if _students(name)}

    def size(name: str, axis: int, dimensions: int = 2) -> int:
        tensor = student.get(name)
        if tensor is None or tensor.dim() != dimensions:
            found = "is not there" if tensor is None else f"has the shape {tuple(tensor.shape)}"
            raise ComponentError(f"no checkpoint of the released ALBEF: {name} {found}")
        return tensor.shape[axis]

    def size_of_any(name: str, axis: int) -> int | None:
        return size(name, axis) if name in student else None

    patch_size = size(PATCHES, 2, 4)
    side = math.isqrt(size(POSITIONS, 1, 3) - 1)
    try:
        text_layers = first_fusion_layer(student)
    except ValueError as error:
        raise ComponentError(str(error)) from error
    embeddings = "text_encoder.bert.embeddings"
    return ReleasedShape(
        image_size=side * patch_size,
        patch_size=patch_size,
        vision_width=size(POSITIONS, 2, 3),
        vision_layers=_count(student, "visual_encoder.blocks"),
        text_width=size(f"{embeddings}.word_embeddings.weight", 1),
        feed_forward=size(f"{TEXT_LAYERS}.0.{EXPAND}", 0),
        fusion_feed_forward=size(f"{TEXT_LAYERS}.{text_layers}.{EXPAND}", 0),
        positions=size(f"{embeddings}.position_embeddings.weight", 0),
        vocabulary=size(f"{embeddings}.word_embeddings.weight", 0),
        text_layers=text_layers,
        fusion_layers=_count(student, TEXT_LAYERS) - text_layers,
        decoder_layers=_count(student, DECODER_LAYERS),
        shared_width=size_of_any("vision_proj.weight", 0),
        queue=size_of_any("image_queue", 1),
        classes=size_of_any("cls_head.2.weight", 0),
    )


def expected_names(layout: Layout, shape: ReleasedShape) -> set[str]:
    """Every name that the released code of a task gives a network of this shape."""
    students = {
        name
        for part in layout.parts
        for name in _PARTS.get(part, _head)(part, shape)
        if layout.released(Twin(name, False))
    }
    taught = {name for name in students if layout.taught and _has_teacher(name)}
    twins = [Twin(name, False) for name in students] + [Twin(name, True) for name in taught]
    return {name for each in twins if (name := layout.released(each))}


def _has_teacher(name: str) -> bool:
    return name.partition(".")[0] not in ONE_NETWORK | BARE_TENSORS


def _students(name: str) -> bool:
    return not twin(name).teacher


def _vision(part: str, shape: ReleasedShape) -> Iterable[str]:
    yield from (f"{part}.cls_token", f"{part}.pos_embed")
    yield from _both(f"{part}.patch_embed.proj", f"{part}.norm")
    for number in range(shape.vision_layers):
        yield from _both(*(f"{part}.blocks.{number}.{each}" for each in BLOCK))


def _text(part: str, shape: ReleasedShape) -> Iterable[str]:
    count, fusion_from = shape.text_layers + shape.fusion_layers, shape.text_layers
    if part == "text_decoder":
        count, fusion_from = shape.decoder_layers, 0
    embeddings, predictions = f"{part}.bert.embeddings", f"{part}.cls.predictions"
    yield from (f"{embeddings}.{each}" for each in EMBEDDINGS)
    yield f"{embeddings}.token_type_embeddings.weight"
    yield from _both(f"{embeddings}.LayerNorm")
    for number in range(count):
        parts = (each for each in BERT_PARTS if number >= fusion_from or CROSS not in each)
        yield from _both(*(f"{part}.bert.encoder.layer.{number}.{each}" for each in parts))
    yield f"{predictions}.bias"
    yield from _both(f"{predictions}.transform.dense", f"{predictions}.transform.LayerNorm")
    yield from (name for name in TIED if name.startswith(predictions))


def _head(part: str, shape: ReleasedShape) -> Iterable[str]:
    return _both(*(f"{part}{each}" for each in HEADS[part]))


def _bare(part: str, shape: ReleasedShape) -> Iterable[str]:
    return (part,)


_PARTS = {
    "visual_encoder": _vision,
    "text_encoder": _text,
    "text_decoder": _text,
    **dict.fromkeys(BARE_TENSORS, _bare),
}
"""Part of a layout -> gives its names as pre-training spells them; others are heads."""


def _both(*modules: str) -> Iterable[str]:
    return (f"{module}.{each}" for module in modules for each in ("weight", "bias"))


def _count(names: Iterable[str], module: str) -> int:
    """How many numbered parts a module has."""
    pattern = re.compile(re.escape(module) + r"\.(\d+)\.")
    numbers = [int(found[1]) for name in names if (found := pattern.match(name))]
    return max(numbers, default=-1) + 1
