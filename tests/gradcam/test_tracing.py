"""Scores traced to attention: true gradients, of the right layers, and nothing else moved."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from albefkit.gradcam.tracing import (
    cross_attentions,
    image_attentions,
    layout,
    trace_match,
    trace_similarity,
)
from albefkit.layers.attention import Attention, weights
from albefkit.registry.errors import ComponentError
from albefkit.vision.patches import Patches
from albefkit.vision.timm_model import TimmModel
from tests.gradcam.networks import SMALL_XCIT, shown, small_network

STEP = 1e-5


def traced_match(network, layers):
    images, ids, mask = shown(network)
    with torch.no_grad():
        image, text = network.vision(images), network.text(ids, mask)
        own = torch.arange(len(ids))
        chosen = [cross_attentions(network.fusion)[layer] for layer in layers]
        return trace_match(network, image, text, own, own, chosen)


def traced_similarity(network, layers):
    images, ids, mask = shown(network)
    with torch.no_grad():
        words = network.text_features(network.text(ids, mask))
        chosen = [image_attentions(network.vision)[layer] for layer in layers]
        return trace_similarity(network, images, words, 0.1, chosen)


@contextmanager
def nudged(attention: Attention, place: tuple[int, int, int, int]):
    """An attention one of whose weights is a little larger."""

    def look(query, memory, dropout):
        changed = weights(query, memory)
        changed[place] += STEP
        return changed @ memory.value

    attention.look = look
    yield
    del attention.look


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_gradients_are_what_a_little_more_attention_does(layer):
    network = small_network()
    (trace,), scores = traced_match(network, [layer])
    for place in ((0, 0, 0, 3), (1, 1, 0, 7), (2, 0, 0, 0)):
        with nudged(cross_attentions(network.fusion)[layer], place):
            images, ids, mask = shown(network)
            own = torch.arange(3)
            with torch.no_grad():
                fused = network.fusion(network.vision(images), network.text(ids, mask), own, own)
                moved = network.heads["itm"](fused.pooled)[:, 1] - scores
        assert moved.sum().item() / STEP == pytest.approx(trace.gradients[place].item(), rel=1e-3)


def test_layers_traced_together_are_those_traced_alone():
    for traced in (traced_match, traced_similarity):
        together = traced(small_network(), [0, 1])
        for layer in (0, 1):
            (alone,), scores = traced(small_network(), [layer])
            torch.testing.assert_close(alone.weights, together.traces[layer].weights)
            torch.testing.assert_close(alone.gradients, together.traces[layer].gradients)
            torch.testing.assert_close(scores, together.scores)


def test_the_last_layer_is_read_at_its_first_position_only():
    (trace,), _ = traced_match(small_network(), [2])
    assert trace.gradients[:, :, 0].abs().sum() > 0
    assert torch.all(trace.gradients[:, :, 1:] == 0)


@pytest.mark.parametrize("traced", [traced_match, traced_similarity])
def test_a_pair_does_not_depend_on_its_company(traced):
    whole = traced(small_network(), [0]).traces[0]

    def first(network, layers):
        images, ids, mask = shown(network)
        with torch.no_grad():
            text = network.text(ids[:1], mask[:1])
            own = torch.arange(1)
            if traced is traced_match:
                image = network.vision(images[:1])
                chosen = [cross_attentions(network.fusion)[0]]
                return trace_match(network, image, text, own, own, chosen)
            chosen = [image_attentions(network.vision)[0]]
            return trace_similarity(network, images[:1], network.text_features(text), 0.1, chosen)

    alone = first(small_network(), [0]).traces[0]
    torch.testing.assert_close(alone.gradients, whole.gradients[:1])


@pytest.mark.parametrize("traced", [traced_match, traced_similarity])
def test_parameters_are_left_alone(traced):
    network = small_network()
    traced(network, [0])
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("traced", [traced_match, traced_similarity])
def test_a_frozen_network_can_be_traced(traced):
    (free,), _ = traced(small_network(), [0])
    network = small_network().requires_grad_(False)
    (frozen,), _ = traced(network, [0])
    torch.testing.assert_close(frozen.gradients, free.gradients)


def test_blocks_of_a_vision_transformer_are_found_in_order():
    network = small_network()
    found = image_attentions(network.vision)
    blocks = [block.attn for block in network.vision.model.blocks]
    assert [id(each) for each in found] == [id(each) for each in blocks]


def test_of_an_encoder_that_mixes_channels_only_class_attention_makes_maps():
    vision = TimmModel(**SMALL_XCIT).eval()
    names = {id(part): name for name, part in vision.named_modules()}
    found = [names[id(part)] for part in image_attentions(vision)]
    assert found == ["model.cls_attn_blocks.0.attn", "model.cls_attn_blocks.1.attn"]


@pytest.mark.parametrize("name", ["resnet10t", "patches"])
def test_an_encoder_without_such_attention_has_maps_of_itm_only(name):
    if name == "patches":
        vision = Patches(image_size=48, patch_size=16, width=16)
    else:
        vision = TimmModel(name=name, image_size=64, pretrained=False)
    network = small_network(vision)
    (trace,), _ = traced_match(network, [1])
    assert trace.weights.shape[-1] == layout(network.vision).tokens
    with pytest.raises(ComponentError, match=r"Grad-CAM of ITC needs .*maps of ITM do not"):
        traced_similarity(network, [0])


def test_what_cannot_be_traced_is_said():
    network = small_network()
    images, ids, mask = shown(network)
    image, text, own = network.vision(images), network.text(ids, mask), torch.arange(3)
    with pytest.raises(ComponentError, match=r"head 'match', and the heads are: itm"):
        trace_match(network, image, text, own, own, [], head="match")
    network.fusion.images = 2
    with pytest.raises(ComponentError, match="one image"):
        cross_attentions(network.fusion)
    network.vision.grid = None
    with pytest.raises(ComponentError, match="grid"):
        layout(network.vision)
    network.image_projection = None
    with pytest.raises(ComponentError, match="shared space"):
        trace_similarity(network, images, torch.zeros(3, 8), 0.1, [])
