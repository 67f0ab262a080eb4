"""Layers of BERT-like checkpoints, under our names."""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor, nn

from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.transformers_models import pretrained_model
from albefkit.layers.weights import Source
from albefkit.registry.errors import ComponentError, Problem

BERT_PARTS = {
    "attention.self.query": "self_attention.query",
    "attention.self.key": "self_attention.key",
    "attention.self.value": "self_attention.value",
    "attention.output.dense": "self_attention.output",
    "attention.output.LayerNorm": "self_attention_norm",
    "crossattention.self.query": "cross_attention.query",
    "crossattention.self.key": "cross_attention.key",
    "crossattention.self.value": "cross_attention.value",
    "crossattention.output.dense": "cross_attention.output",
    "crossattention.output.LayerNorm": "cross_attention_norm",
    "intermediate.dense": "feed_forward.expand",
    "output.dense": "feed_forward.contract",
    "output.LayerNorm": "feed_forward_norm",
}
"""Part of a layer as BERT and its kin name it (and the released ALBEF) -> as we name it."""
DISTILBERT_PARTS = {
    "attention.q_lin": "self_attention.query",
    "attention.k_lin": "self_attention.key",
    "attention.v_lin": "self_attention.value",
    "attention.out_lin": "self_attention.output",
    "sa_layer_norm": "self_attention_norm",
    "ffn.lin1": "feed_forward.expand",
    "ffn.lin2": "feed_forward.contract",
    "output_layer_norm": "feed_forward_norm",
}
LAYOUTS = {
    re.compile(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)"): BERT_PARTS,
    re.compile(r"transformer\.layer\.(\d+)\.(.+)\.(weight|bias)"): DISTILBERT_PARTS,
}


def inner_width(config: Any) -> int:
    """Inner width of the feed-forward parts."""
    names = ("intermediate_size", "hidden_dim")
    return next((getattr(config, n) for n in names if hasattr(config, n)), 4 * config.hidden_size)


def load_layers(layers: nn.ModuleList, config: Any, source: Source, from_layer: int) -> LoadReport:
    """Copy layers `from_layer`.. of a pretrained encoder into ours.

    Args:
        layers: `CrossLayer`s.
        config: the encoder's configuration.
        source: where its weights are.
        from_layer: the encoder's layer that goes into our first.

    Raises:
        ComponentError: the encoder's layers are of another make.
    """
    model, _ = pretrained_model(config, source)
    tensors, renamed = take_layers(model.state_dict(), from_layer, len(layers))
    if not tensors:
        message = f"the layers of {source.name} ({config.model_type}) are no post-norm layers"
        hint = "Take a BERT-like encoder (bert, roberta, electra, distilbert, ...)."
        raise ComponentError(Problem("", "", message, hint))
    return load_tensors(layers, tensors, source=source.name, renamed=renamed)


def take_layers(
    tensors: dict[str, Tensor], from_layer: int, count: int
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors of layers `from_layer` to `from_layer + count - 1` by our names, and their names."""
    taken: dict[str, Tensor] = {}
    renamed: dict[str, str] = {}
    for name, tensor in tensors.items():
        ours = _our_name(name, from_layer, count)
        if ours is not None:
            taken[ours], renamed[ours] = tensor, name
    return taken, renamed


def _our_name(name: str, from_layer: int, count: int) -> str | None:
    for pattern, parts in LAYOUTS.items():
        found = pattern.fullmatch(name)
        if found and found[2] in parts and 0 <= int(found[1]) - from_layer < count:
            return f"{int(found[1]) - from_layer}.{parts[found[2]]}.{found[3]}"
    return None
