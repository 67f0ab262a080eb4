"""Fusion with several images: who looks at what, what is shared, what it begins with."""

from __future__ import annotations

import copy
import itertools
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from albefkit.fusion.base import Fusion
from albefkit.fusion.cross_attention import CrossAttention
from albefkit.fusion.paired_attention import PairedCrossAttention
from albefkit.layers.attention import visible
from albefkit.registry.errors import ComponentError
from albefkit.tensors import Encoded
from tests.fusion.test_cross_attention import Image, Text, index, tables
from tests.layers.hub_models import save_encoder

SMALL = {"layers": 2, "heads": 2, "feed_forward": 40, "pretrained": False}
PAIRS = torch.tensor([[0, 1], [3, 3], [2, 0], [1, 0], [1, 2]])
TEXTS = index(0, 1, 2, 3, 3)


def shaken(model: nn.Module) -> nn.Module:
    """The same with every weight moved, so that no two are equal by chance."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.double().eval()


def plain(**settings) -> CrossAttention:
    return shaken(CrossAttention(Image(), Text(), **SMALL | settings))  # type: ignore[return-value]


def paired(images: int = 2, **settings) -> PairedCrossAttention:
    model = PairedCrossAttention(Image(), Text(), images=images, **SMALL | settings)
    return shaken(model)  # type: ignore[return-value]


def shares(fusion: nn.Module, images: int = 2) -> bool:
    """Whether layers of a group have keys and values in common, and nothing else."""
    layers = [dict(layer.named_parameters()) for layer in fusion.layers]
    common = re.compile(r"cross_attention\.(key|value)\.(weight|bias)")
    return all(
        (layers[left][name] is layers[right][name])
        == (left // images == right // images and common.fullmatch(name) is not None)
        for left, right in itertools.combinations(range(len(layers)), 2)
        for name in layers[left]
    )


def one_by_one(model: PairedCrossAttention, image: Encoded, text: Encoded, pair: int):
    """The fusion of one text, layer by layer, written out."""
    row = TEXTS[pair : pair + 1]
    tokens, mask = text.tokens[row], visible(text.mask[row])
    for number, layer in enumerate(model.layers):
        shown = PAIRS[pair, number % 2 : number % 2 + 1]
        memory = layer.cross_attention.remember(image.tokens[shown], None)
        tokens = layer(tokens, mask, memory)
    return tokens[0]


def test_a_recipe_finds_it_by_name() -> None:
    assert Fusion.by_name("paired-cross-attention") is PairedCrossAttention


def test_layers_take_turns() -> None:
    model, (image, text) = paired(), tables()
    with torch.no_grad():
        fused = model(image, text, PAIRS, TEXTS)
        for pair in range(len(PAIRS)):
            alone = one_by_one(model, image, text, pair)
            torch.testing.assert_close(fused.text_tokens[pair], alone, rtol=0, atol=1e-12)
    assert torch.equal(fused.pooled, fused.text_tokens[:, 0]) and fused.image_tokens is None
    assert model.images == 2 and len(model.layers) == 4


def test_the_order_of_images_matters_and_both_do() -> None:
    model, (image, text) = paired(), tables()
    shown = torch.tensor([[0, 1], [1, 0], [0, 2], [2, 1]])
    pooled = model(image, text, shown, torch.zeros(4, dtype=torch.int64)).pooled
    assert all((pooled[0] - other).abs().max() > 1e-3 for other in pooled[1:])


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_image_is_plain_cross_attention(shape: tuple[int, ...]) -> None:
    model, reference, (image, text) = paired(images=1), plain(), tables(padded_images=True)
    model.load_state_dict(reference.state_dict())
    rows = index(0, 3, 2, 2)
    with torch.no_grad():
        fused = model(image, text, rows.reshape(shape), index(3, 1, 0, 0))
        assert torch.equal(fused.pooled, reference(image, text, rows, index(3, 1, 0, 0)).pooled)


def test_another_number_of_images_is_refused() -> None:
    model, (image, text) = paired(), tables()
    with pytest.raises(ComponentError, match="with 2 images, and is given 1"):
        model(image, text, index(0, 1), index(0, 1))


def test_keys_and_values_are_computed_once_per_image_and_group() -> None:
    model, (image, text) = paired(), tables()
    rows = []
    for layer in model.layers[::2]:
        layer.cross_attention.key.register_forward_hook(lambda m, a, o: rows.append(o.shape[0]))
    model(image, text, PAIRS.repeat(3, 1), TEXTS.repeat(3))
    assert rows == [len(image.tokens)] * 2


def test_keys_and_values_are_shared_within_a_group_and_nothing_else() -> None:
    for images in (1, 2, 3):
        assert shares(paired(images), images)
    model = PairedCrossAttention(Image(), Text(), **SMALL)
    layers = [layer.state_dict() for layer in model.layers]
    for name in layers[0]:
        assert torch.equal(layers[0][name], layers[1][name])  # a group begins equal
    assert len(model.state_dict()) == 4 * 26
    assert len(list(model.parameters())) == 4 * 26 - 2 * 4


def test_shared_weights_hear_of_every_layer() -> None:
    model, (image, text) = paired(dropout=0.0).train(), tables()
    model(image, text, PAIRS, TEXTS).text_tokens.pow(3).sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []
    key = model.layers[0].cross_attention.key
    together = key.weight.grad.clone()
    parts = []
    for turn in range(2):
        alone = copy.deepcopy(model)
        alone.zero_grad()
        own = copy.deepcopy(key)
        alone.layers[turn].cross_attention.key = own
        tokens, mask = text.tokens[TEXTS], visible(text.mask[TEXTS])
        for number, layer in enumerate(alone.layers):
            memory = layer.cross_attention.remember(image.tokens, None)
            tokens = layer(tokens, mask, memory.rows(PAIRS[:, number % 2]))
        tokens.pow(3).sum().backward()
        parts.append(own.weight.grad)
    torch.testing.assert_close(together, sum(parts), rtol=0, atol=1e-10)


def test_a_plain_fusion_is_inherited_layer_by_layer() -> None:
    source, model = plain(), paired()
    tensors = model.inherit(source.state_dict())
    missing, unexpected = model.load_state_dict(dict(tensors), strict=False)
    assert not missing and not unexpected and shares(model)
    for number, layer in enumerate(model.layers):
        theirs = source.layers[number // 2].state_dict()
        assert all(torch.equal(own, theirs[name]) for name, own in layer.state_dict().items())


@pytest.mark.parametrize("images", [1, 2, 3])
def test_a_paired_fusion_is_inherited_as_it_is(images: int) -> None:
    source, model = paired(images), paired(images)
    tensors = model.inherit(source.state_dict())
    assert set(tensors) == set(source.state_dict())
    assert all(torch.equal(tensors[name], own) for name, own in source.state_dict().items())


def test_groups_of_another_size_are_inherited_image_by_image() -> None:
    source = paired(2)
    fewer, more = paired(1), paired(3)
    fewer.load_state_dict(dict(fewer.inherit(source.state_dict())))
    more.load_state_dict(dict(more.inherit(source.state_dict())))
    theirs = [layer.state_dict() for layer in source.layers]
    for model, whose in ((fewer, [0, 2]), (more, [0, 1, 1, 2, 3, 3])):
        for layer, number in zip(model.layers, whose, strict=True):
            for name, own in layer.state_dict().items():
                assert torch.equal(own, theirs[number][name])


def test_unknown_tensors_are_handed_on_to_be_reported() -> None:
    strange = {"blocks.0.weight": torch.zeros(1)}
    assert paired().inherit(strange) == strange


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_upper_layers_of_an_encoder_become_groups(kind: str, tmp_path: Path) -> None:
    theirs = save_encoder(kind, tmp_path).state_dict()
    where = {"name": str(tmp_path), "from_layer": 1, "layers": 2}
    model = PairedCrossAttention(Image(), Text(), **where)
    for number, layer in enumerate(model.layers):
        query = theirs[f"encoder.layer.{1 + number // 2}.attention.self.query.weight"]
        assert torch.equal(layer.self_attention.query.weight, query)
    report = model.load_report
    assert report is not None and report.pretrained
    assert set(report.tensors) == set(model.layers.state_dict())
    assert len(report.names("fresh")) == 4 * 10 and len(report.names("renamed")) == 4 * 16
