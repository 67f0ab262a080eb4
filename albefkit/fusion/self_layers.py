"""Stacks of layers without cross-attention, that begin as a vision transformer or as BERT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from albefkit.fusion.upper_layers import layers_of_encoder, require_layers, width_problem
from albefkit.layers.cross_layer import initialise_as_bert
from albefkit.layers.initial import draw_linear_weights
from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.recomputing import Recomputing
from albefkit.layers.self_layer import SelfLayer
from albefkit.layers.weights import Absence, Pretrained, choose
from albefkit.registry.errors import ComponentError, Problem
from albefkit.vision import timm_weights

VIT_PARTS = {
    "norm1": "self_attention_norm",
    "attn.proj": "self_attention.output",
    "norm2": "feed_forward_norm",
    "mlp.fc1": "feed_forward.expand",
    "mlp.fc2": "feed_forward.contract",
}
"""Part of a block as timm names it -> as we name it; `attn.qkv` is three of ours."""
EPS = 1e-6
"""Of a vision transformer's LayerNorms."""


class BertLayers(Recomputing, nn.Module):
    """Post-norm layers.

    Args:
        width: D, of the tokens.
        name: a BERT-like encoder: on the hub, or a local folder.
        layers: how many, from its first on.
        heads: attention heads; None takes the encoder's own, or one per 64 where widths differ.
        feed_forward: inner width of the feed-forward parts; None takes the encoder's own, or four
            times the width where widths differ.
        dropout: of hidden states and attention weights, 0 to 1.
        pretrained: as everywhere.
        initial_std: standard deviation of linear weights that start at random; None takes BERT's.

    Raises:
        ComponentError: the encoder has too few layers, another width, or another make.
    """

    def __init__(
        self,
        width: int,
        *,
        name: str,
        layers: int,
        heads: int | None,
        feed_forward: int | None,
        dropout: float,
        pretrained: Pretrained,
        initial_std: float | None,
    ) -> None:
        super().__init__()
        self.layers, self.load_report = layers_of_encoder(
            width,
            lambda heads, inner, eps: SelfLayer(width, heads, inner, dropout, eps, "after"),
            name=name,
            from_layer=0,
            layers=layers,
            heads=heads,
            feed_forward=feed_forward,
            pretrained=pretrained,
            initial_std=initial_std,
        )

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Tokens `(R, L, D)` after all layers; `mask` says which may be looked at."""
        for layer in self.layers:
            tokens = self.through(layer, tokens, mask)
        return tokens


class VitLayers(Recomputing, nn.Module):
    """Pre-norm layers and the norm behind the last of them.

    Args:
        width: D, of the tokens.
        name: a plain vision transformer of timm.
        layers: how many, from its first on.
        heads: attention heads; None takes the model's own, or one per 64 where widths differ or
            nothing is pretrained.
        feed_forward: inner width of the feed-forward parts; None takes four times the width.
        dropout: of hidden states and attention weights, 0 to 1.
        pretrained: as everywhere.
        initial_std: standard deviation of linear weights that start at random; None takes ViT's.

    Raises:
        ComponentError: the model is no plain vision transformer, has too few layers or another
            width, or its weights cannot be had and are insisted on.
    """

    def __init__(
        self,
        width: int,
        *,
        name: str,
        layers: int,
        heads: int | None,
        feed_forward: int | None,
        dropout: float,
        pretrained: Pretrained,
        initial_std: float | None,
    ) -> None:
        super().__init__()
        # Whether or not weights are found: the same recipe is the same network everywhere.
        theirs = None if pretrained is False else _shape(name)
        if heads is None:
            same = theirs is not None and theirs.embed_dim == width
            heads = int(_block(theirs).attn.num_heads) if same else max(1, width // 64)
        inner = feed_forward or 4 * width
        self.layers = nn.ModuleList(
            SelfLayer(width, heads, inner, dropout, EPS, "before") for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width, eps=EPS)
        initialise_as_bert(self)
        draw_linear_weights(self, initial_std)
        self.load_report = self._load(name, theirs, pretrained)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Tokens `(R, L, D)` after all layers; `mask` says which may be looked at."""
        for layer in self.layers:
            tokens = self.through(layer, tokens, mask)
        return self.norm(tokens)

    def _load(self, name: str, theirs: Any, pretrained: Pretrained) -> LoadReport:
        found = choose(pretrained, f"fusion from {name}", lambda: timm_weights.find(theirs, name))
        if isinstance(found, Absence):
            return LoadReport(reason=found.reason)
        width = self.norm.normalized_shape[0]
        if theirs.embed_dim != width:
            raise width_problem(name, theirs.embed_dim, width)
        require_layers(name, len(theirs.blocks), 0, len(self.layers))
        tensors, renamed = take_blocks(timm_weights.native(name, {}), len(self.layers))
        report = load_tensors(self, tensors, source=found.name, renamed=renamed)
        return report.require(self.state_dict())


def take_blocks(
    tensors: Mapping[str, Tensor], count: int
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors of the first `count` blocks and of the last norm by our names, and their names."""
    taken: dict[str, Tensor] = {}
    renamed: dict[str, str] = {}
    for name, tensor in tensors.items():
        for ours, part in _ours(name, tensor, count):
            taken[ours], renamed[ours] = part, name
    return taken, renamed


def _ours(name: str, tensor: Tensor, count: int) -> list[tuple[str, Tensor]]:
    if name in ("norm.weight", "norm.bias"):
        return [(name, tensor)]
    root, _, rest = name.partition(".")
    number, _, rest = rest.partition(".")
    if root != "blocks" or int(number) >= count:
        return []
    part, _, kind = rest.rpartition(".")
    if part == "attn.qkv":
        owners = [f"self_attention.{own}" for own in ("query", "key", "value")]
        return [
            (f"layers.{number}.{owner}.{kind}", third)
            for owner, third in zip(owners, tensor.chunk(3), strict=True)
        ]
    return [(f"layers.{number}.{VIT_PARTS[part]}.{kind}", tensor)]


def _block(model: Any) -> Any:
    """The first block of a vision transformer."""
    return model.blocks[0]


def _known(block: Any) -> bool:
    """Whether a block has the parts that ours have, and no other."""
    parts = {name.rpartition(".")[0] for name, _ in block.named_parameters()}
    return parts == {*VIT_PARTS, "attn.qkv"} and isinstance(block.mlp.act, nn.GELU)


def _shape(name: str) -> Any:
    """The model without its weights.

    Raises:
        ComponentError: timm has no such model, or it is another kind of network.
    """
    import timm
    from timm.models.vision_transformer import Block, VisionTransformer

    timm_weights.check_name(name)
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=0)
    plain = isinstance(model, VisionTransformer) and isinstance(_block(model), Block)
    if not plain or not _known(_block(model)):
        message = f"{name} is no plain vision transformer, and layers of fusion begin as its layers"
        hint = "Take one such as vit_base_patch32_384, or say 'pretrained: false'."
        raise ComponentError(Problem("", "", message, hint))
    return model
