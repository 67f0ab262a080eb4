"""Fusion of each text with several images: layers take turns in looking at them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from albefkit.fusion.base import Fusion
from albefkit.fusion.upper_layers import upper_layers
from albefkit.layers.attention import Readers, visible
from albefkit.layers.cross_layer import CrossLayer
from albefkit.layers.load_report import LoadReport
from albefkit.layers.ranges import Chance, Count, Deviation
from albefkit.layers.recomputing import Recomputing
from albefkit.layers.weights import Pretrained
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Encoded, Fused
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

SHARED = ("cross_attention.key.", "cross_attention.value.")
"""What the layers of a group have in common."""
KEY = "cross_attention.key.weight"
_LAYER = re.compile(r"layers\.(\d+)\.(.+)")


class PairedCrossAttention(Recomputing, Fusion):
    """Words look at several images in turn: each layer of cross-attention once per image.

    Paper section 5 (NLVR2), spec 6.1: with n images layer `n i + j` looks at image j. The layers of
    a group begin equal and share the key and value projections of cross-attention, nothing else:
    keys and values are computed once per image and group.

    Args:
        images: n, how many images each text meets.
        name: the encoder whose upper layers it starts from: on the hub, or a local folder.
        from_layer: the first of them, counted from 0.
        layers: how many of them; each becomes a group of n layers.
        heads: attention heads; empty takes the encoder's own, or one per 64 where widths differ.
        feed_forward: inner width of the feed-forward parts; empty takes the encoder's own, or four
            times the width where widths differ.
        dropout: of hidden states and attention weights, 0 to 1.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random. Cross-attention always starts at
            random.
        initial_std: standard deviation of linear weights that start at random, more than 0; empty
            takes the model's own, which suits widths near 768.
    """

    def __init__(
        self,
        vision: VisionEncoder,
        text: TextEncoder,
        *,
        images: Count = 2,
        name: str = "bert-base-uncased",
        from_layer: Annotated[int, Field(ge=0)] = 6,
        layers: Count = 6,
        heads: Count | None = None,
        feed_forward: Count | None = None,
        dropout: Chance = 0.1,
        pretrained: Pretrained = "auto",
        initial_std: Deviation | None = None,
    ) -> None:
        super().__init__()
        self.width = text.width
        self.images = images
        single, report = upper_layers(
            vision,
            text,
            name=name,
            from_layer=from_layer,
            layers=layers,
            heads=heads,
            feed_forward=feed_forward,
            dropout=dropout,
            pretrained=pretrained,
            initial_std=initial_std,
        )
        self.layers = nn.ModuleList(each for layer in single for each in _group(layer, images))
        self.load_report = _of_groups(report, images)

    def inherit(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Layers of plain cross-attention, each copied into its group, or such groups as they are.

        Groups for fewer images than ours repeat their last layer; those for more lose some.
        """
        parts: dict[int, dict[str, Tensor]] = {}
        inherited = {}
        for name, tensor in tensors.items():
            if found := _LAYER.fullmatch(name):
                parts.setdefault(int(found[1]), {})[found[2]] = tensor
            else:
                inherited[name] = tensor
        size = group_size(tensors)
        for number in sorted({layer // size for layer in parts}):
            group = [parts.get(number * size + member, {}) for member in range(size)]
            common = {
                part: tensor
                for layer in group
                for part, tensor in layer.items()
                if part.startswith(SHARED)
            }
            for image in range(self.images):
                layer = group[min(image, size - 1)] | common
                prefix = f"layers.{number * self.images + image}."
                inherited |= {prefix + part: tensor for part, tensor in layer.items()}
        return inherited

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        """Fuse P texts with n images each; image tokens stay, the summary is the fused [CLS].

        Args:
            image: the image table.
            text: the text table.
            image_index: `(P, n)` int64, rows of the image table; also `(P,)` where n is 1.
            text_index: `(P,)` int64, the row of each text.

        Raises:
            ComponentError: texts come with another number of images.
        """
        columns = image_index[:, None] if image_index.dim() == 1 else image_index
        if columns.shape[1] != self.images:
            message = f"fuses each text with {self.images} images, and is given {columns.shape[1]}."
            raise ComponentError(Problem("", "model.fusion", message))
        image_mask = visible(image.mask)
        text_mask = visible(text.mask)
        text_mask = None if text_mask is None else text_mask.index_select(0, text_index)
        tokens = text.tokens.index_select(0, text_index)
        readers = [Readers.of(rows, len(image.tokens)) for rows in columns.unbind(1)]
        for group in self._groups():
            tokens = self.through(
                _in_turn, group, tokens, text_mask, image.tokens, image_mask, readers
            )
        return Fused(text_tokens=tokens, image_tokens=None, pooled=tokens[:, 0])

    def _groups(self) -> Iterator[Sequence[CrossLayer]]:
        """Layers that share keys and values: one for each image."""
        layers = cast("Sequence[CrossLayer]", self.layers)
        for first in range(0, len(layers), self.images):
            yield [layers[first + turn] for turn in range(self.images)]


def group_size(tensors: Mapping[str, Tensor]) -> int:
    """How many layers after one another share their keys, 1 in plain cross-attention.

    Args:
        tensors: by name in a fusion. Files keep a shared tensor under one of its names: the first,
            within the first group.
    """
    layers = {int(found[1]) for name in tensors if (found := _LAYER.fullmatch(name))}
    keys = [tensors.get(f"layers.{layer}.{KEY}") for layer in sorted(layers)]
    if not keys or keys[0] is None:
        return 1
    for number, key in enumerate(keys):
        if key is not None and not torch.equal(key, keys[0]):
            return number
    return len(keys)


def _in_turn(
    group: Sequence[CrossLayer],
    tokens: Tensor,
    mask: Tensor | None,
    images: Tensor,
    image_mask: Tensor | None,
    readers: Sequence[Readers],
) -> Tensor:
    """Words look at each of their images, once per layer of a group."""
    memory = group[0].cross_attention.remember(images, image_mask)
    for layer, those in zip(group, readers, strict=True):
        tokens = layer(tokens, mask, memory.read_by(those))
    return tokens


def _group(layer: nn.Module, images: int) -> list[nn.Module]:
    """A layer and its copies; the last one's key and value projections are everyone's."""
    copies = [copy.deepcopy(layer) for _ in range(images)]
    attentions = [each.get_submodule("cross_attention") for each in copies]
    for attention in attentions[:-1]:
        attention.key, attention.value = attentions[-1].key, attentions[-1].value
    return copies


def _of_groups(report: LoadReport, images: int) -> LoadReport:
    """A report on layers as one on their groups."""
    tensors = {}
    for name, fate in report.tensors.items():
        layer, _, part = name.partition(".")
        for image in range(images):
            tensors[f"{int(layer) * images + image}.{part}"] = fate
    return LoadReport(report.source, tensors, report.reason)
