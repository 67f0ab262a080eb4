"""Layers that look at an image and begin as the upper layers of a text encoder."""

from __future__ import annotations

from typing import Any

from torch import nn

from albefkit.layers import bert_layout
from albefkit.layers import transformers_models as hub
from albefkit.layers.cross_layer import CrossLayer, initialise_as_bert
from albefkit.layers.initial import draw_linear_weights
from albefkit.layers.load_report import LoadReport
from albefkit.layers.weights import Absence, Pretrained, choose, find_model
from albefkit.registry.errors import ComponentError, Problem
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

CROSS = ".cross_attention"


def upper_layers(
    vision: VisionEncoder,
    text: TextEncoder,
    *,
    name: str,
    from_layer: int,
    layers: int,
    heads: int | None,
    feed_forward: int | None,
    dropout: float,
    pretrained: Pretrained,
    initial_std: float | None,
) -> tuple[nn.ModuleList, LoadReport]:
    """Build `CrossLayer`s; arguments are those that `CrossAttention` documents.

    Returns:
        The layers, and what became of pretrained weights, by name in them.

    Raises:
        ComponentError: the encoder `name` has too few layers, another width, or another make.
    """
    width = text.width
    found = choose(pretrained, f"fusion from {name}", lambda: find_model(name))
    config = hub.configuration(name, found)
    same = config.hidden_size == width
    if not same and not isinstance(found, Absence):
        raise _width_problem(name, config.hidden_size, width)
    if heads is None:
        heads = int(config.num_attention_heads) if same else max(1, width // 64)
    inner = feed_forward or (bert_layout.inner_width(config) if same else 4 * width)
    eps = getattr(config, "layer_norm_eps", 1e-12)
    built = nn.ModuleList(
        CrossLayer(width, heads, inner, vision.width, dropout, eps) for _ in range(layers)
    )
    initialise_as_bert(built)
    draw_linear_weights(built, initial_std)
    if isinstance(found, Absence):
        return built, LoadReport(reason=found.reason)
    return built, _load(built, config, found, from_layer)


def _load(layers: nn.ModuleList, config: Any, found: Any, from_layer: int) -> LoadReport:
    count = len(layers)
    if from_layer + count > config.num_hidden_layers:
        message = (
            f"fusion wants layers {from_layer} to {from_layer + count - 1}, "
            f"and {found.name} has {config.num_hidden_layers}"
        )
        hint = "Take fewer 'layers', a lower 'from_layer', or 'pretrained: false'."
        raise ComponentError(Problem("", "", message, hint))
    report = bert_layout.load_layers(layers, config, found, from_layer)
    backbone = [name for name in layers.state_dict() if CROSS not in name]
    return report.require(backbone)


def _width_problem(name: str, theirs: int, ours: int) -> ComponentError:
    message = f"fusion's width is that of the text encoder, {ours}, and {name} has {theirs}"
    hint = "Take fusion layers of the text encoder's width, or say 'pretrained: false'."
    return ComponentError(Problem("", "", message, hint))
