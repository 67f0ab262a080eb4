"""Layers that look at an image and begin as the upper layers of a text encoder."""

from __future__ import annotations

from collections.abc import Callable
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
    return layers_of_encoder(
        text.width,
        lambda heads, inner, eps: CrossLayer(text.width, heads, inner, vision.width, dropout, eps),
        name=name,
        from_layer=from_layer,
        layers=layers,
        heads=heads,
        feed_forward=feed_forward,
        pretrained=pretrained,
        initial_std=initial_std,
    )


def layers_of_encoder(
    width: int,
    make: Callable[[int, int, float], nn.Module],
    *,
    name: str,
    from_layer: int,
    layers: int,
    heads: int | None,
    feed_forward: int | None,
    pretrained: Pretrained,
    initial_std: float | None,
) -> tuple[nn.ModuleList, LoadReport]:
    """Build layers of any kind whose parts are named as those of `CrossLayer`.

    The arguments that are not here are those that `CrossAttention` documents.

    Args:
        width: D, of the tokens.
        make: a layer with so many heads, this inner width and this epsilon of its LayerNorms.

    Returns:
        The layers, and what became of pretrained weights, by name in them.

    Raises:
        ComponentError: the encoder `name` has too few layers, another width, or another make.
    """
    found = choose(pretrained, f"fusion from {name}", lambda: find_model(name))
    config = hub.configuration(name, found)
    same = config.hidden_size == width
    if not same and not isinstance(found, Absence):
        raise width_problem(name, config.hidden_size, width)
    if heads is None:
        heads = int(config.num_attention_heads) if same else max(1, width // 64)
    inner = feed_forward or (bert_layout.inner_width(config) if same else 4 * width)
    eps = getattr(config, "layer_norm_eps", 1e-12)
    built = nn.ModuleList(make(heads, inner, eps) for _ in range(layers))
    initialise_as_bert(built)
    draw_linear_weights(built, initial_std)
    if isinstance(found, Absence):
        return built, LoadReport(reason=found.reason)
    return built, _load(built, config, found, from_layer)


def _load(layers: nn.ModuleList, config: Any, found: Any, from_layer: int) -> LoadReport:
    require_layers(found.name, int(config.num_hidden_layers), from_layer, len(layers))
    report = bert_layout.load_layers(layers, config, found, from_layer)
    backbone = [name for name in layers.state_dict() if CROSS not in name]
    return report.require(backbone)


def require_layers(name: str, theirs: int, from_layer: int, count: int) -> None:
    """Refuse to start from layers that a model does not have.

    Raises:
        ComponentError: it has fewer.
    """
    if from_layer + count > theirs:
        wanted = f"layers {from_layer} to {from_layer + count - 1}"
        message = f"fusion wants {wanted}, and {name} has {theirs}"
        hint = "Take fewer 'layers', a lower 'from_layer', or 'pretrained: false'."
        raise ComponentError(Problem("", "", message, hint))


def width_problem(name: str, theirs: int, ours: int) -> ComponentError:
    """What to say of a model to start from that has another width."""
    message = f"fusion's width is that of the text encoder, {ours}, and {name} has {theirs}"
    hint = "Take fusion layers of the text encoder's width, or say 'pretrained: false'."
    return ComponentError(Problem("", "", message, hint))
