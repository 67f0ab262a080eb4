"""Asks a network for a score and traces it back to the attention it rests on (spec 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from albefkit.fusion.base import Fusion
from albefkit.gradcam.maps import Layout, Trace
from albefkit.gradcam.recording import Record, all_recorded, can_record
from albefkit.layers.cross_layer import CrossLayer
from albefkit.network import Network
from albefkit.registry.errors import ComponentError
from albefkit.tensors import Encoded
from albefkit.vision.base import VisionEncoder

Autocast = Callable[[], AbstractContextManager[object]]


class Traced(NamedTuple):
    """Scores and what they rest on.

    Args:
        traces: one for each layer asked for.
        scores: `(R,)`, detached.
    """

    traces: list[Trace]
    scores: Tensor


def layout(vision: VisionEncoder) -> Layout:
    """Where an encoder's tokens lie on the image.

    Raises:
        ComponentError: they do not lie on a grid.
    """
    if vision.grid is None:
        raise ComponentError("Grad-CAM needs image tokens on a grid (model.vision)")
    return Layout(vision.prefix_tokens, *vision.grid, vision.grid_middles)


def cross_attentions(fusion: Fusion) -> list[nn.Module]:
    """The attentions of words on image tokens, layer by layer.

    Raises:
        ComponentError: there are none, or a text looks at several images.
    """
    if fusion.images != 1:
        raise ComponentError("Grad-CAM needs a fusion of each text with one image (model.fusion)")
    layers = getattr(fusion, "layers", ())  # of words; co-attention has others for image tokens
    found = [layer.cross_attention for layer in layers if isinstance(layer, CrossLayer)]
    if not found:
        raise ComponentError("Grad-CAM needs a fusion with cross-attention (model.fusion)")
    return list(found)


def image_attentions(vision: VisionEncoder) -> list[nn.Module]:
    """The attentions in which an image's [CLS] looks at all of its tokens, layer by layer.

    They are found by showing the encoder one blank image.

    Args:
        vision: in evaluation mode.

    Raises:
        ComponentError: the encoder has none, or sums an image up in another way than by its [CLS].
    """
    candidates = [part for part in vision.modules() if can_record(part)]
    where, parameter = layout(vision), next(vision.parameters())
    side = vision.image_size
    blank = torch.zeros(1, 3, side, side, device=parameter.device, dtype=parameter.dtype)
    with torch.no_grad(), all_recorded(candidates) as records:
        image = vision(blank)
    if where.prefix == 0 or not torch.equal(image.pooled, image.tokens[:, 0]):
        message = "Grad-CAM of ITC needs an image encoder whose summary is a [CLS] token"
        raise ComponentError(f"{message} (model.vision); maps of ITM do not")
    found = [
        part
        for part, record in zip(candidates, records, strict=True)
        if record.called and record.weights.shape[2:][-1:] == (where.tokens,)
    ]
    if not found:
        message = "Grad-CAM of ITC needs an image encoder of timm whose tokens all look at one"
        raise ComponentError(f"{message} another (model.vision); maps of ITM do not")
    return found


def trace_match(
    network: Network,
    image: Encoded,
    text: Encoded,
    image_index: Tensor,
    text_index: Tensor,
    attentions: Sequence[nn.Module],
    *,
    head: str = "itm",
    autocast: Autocast = nullcontext,
) -> Traced:
    """Trace the last logit of a matching head, "they belong together", to cross-attention.

    No parameter receives a gradient, and encoding the two tables is not traced.

    Args:
        network: in evaluation mode.
        image: the image table.
        text: the text table.
        image_index: `(P,)` int64, the row of each pair's image.
        text_index: `(P,)` int64, the row of each pair's text.
        attentions: of `cross_attentions`.
        head: the objective whose head judges pairs.
        autocast: makes the context in which the network runs.

    Raises:
        ComponentError: the network cannot judge pairs.
    """
    if network.fusion is None or head not in network.heads:
        heads = ", ".join(network.heads) or "none"
        message = f"Grad-CAM of ITM needs fusion and a head '{head}', and the heads are: {heads}"
        raise ComponentError(message)
    judge = network.heads[head]
    with torch.enable_grad(), all_recorded(attentions) as records:
        with autocast():
            pooled = network.fusion(image, text, image_index, text_index).pooled
        # Not in half precision: small gradients would vanish.
        scores = judge(pooled.to(next(judge.parameters()).dtype))[:, -1]
        return _traced(scores, records)


def trace_similarity(
    network: Network,
    images: Tensor,
    text_features: Tensor,
    temperature: float | Tensor,
    attentions: Sequence[nn.Module],
    *,
    autocast: Autocast = nullcontext,
) -> Traced:
    """Trace the similarity of each image and its text, over the temperature, to image attention.

    Args:
        network: in evaluation mode.
        images: `(R, 3, H, W)`, normalised.
        text_features: `(R, E)`, unit vectors.
        temperature: of the shared space.
        attentions: of `image_attentions`.
        autocast: makes the context in which the network runs.

    Raises:
        ComponentError: the network has no shared space.
    """
    if network.vision is None or network.image_projection is None:
        raise ComponentError("Grad-CAM of ITC needs a shared space (alignment)")
    with torch.enable_grad(), all_recorded(attentions) as records:
        with autocast():
            features = network.image_features(network.vision(images))
        scores = (features * text_features.detach()).sum(1) / temperature
        return _traced(scores, records)


def _traced(scores: Tensor, records: Iterable[Record]) -> Traced:
    kept = [record.weights for record in records]
    gradients = torch.autograd.grad(scores.sum(), kept)
    traces = [Trace(*pair) for pair in zip((w.detach() for w in kept), gradients, strict=True)]
    return Traced(traces, scores.detach())
