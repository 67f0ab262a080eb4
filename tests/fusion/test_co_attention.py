"""Two streams: pairs are independent, padding says nothing, each hears of the other."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from albefkit.fusion.base import Fusion
from albefkit.fusion.co_attention import CoAttention
from albefkit.gradcam.tracing import cross_attentions
from albefkit.layers.attention import visible
from albefkit.network import Network
from albefkit.objectives.itm import ITM
from albefkit.tensors import Encoded
from tests.fusion.test_cross_attention import Image, L, N, R, Text, index, tables
from tests.layers.hub_models import WIDTH


def fusion(class_token: bool = True, **settings) -> CoAttention:
    torch.manual_seed(0)
    vision = Image()
    vision.prefix_tokens = int(class_token)
    made = CoAttention(vision, Text(), **{"layers": 2, "heads": 2, "feed_forward": 40} | settings)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.double().eval()


def test_a_recipe_finds_it_by_name() -> None:
    assert Fusion.by_name("co-attention") is CoAttention


@pytest.mark.parametrize("padded_images", [False, True])
@pytest.mark.parametrize("class_token", [False, True])
def test_one_batch_is_one_by_one(class_token: bool, padded_images: bool) -> None:
    model, (image, text) = fusion(class_token), tables(padded_images)
    images, texts = index(0, 3, 0, 1, 2, 2), index(0, 0, 1, 2, 3, 3)
    with torch.no_grad():
        together = model(image, text, images, texts)
        for pair in range(len(images)):
            alone = model(image, text, images[pair : pair + 1], texts[pair : pair + 1])
            for name in ("text_tokens", "image_tokens", "pooled"):
                ours, theirs = getattr(together, name)[pair], getattr(alone, name)[0]
                torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    assert together.text_tokens.shape == (6, L, WIDTH)
    assert together.image_tokens.shape == (6, N, WIDTH)
    assert together.pooled.shape == (6, 2 * WIDTH)


def test_a_layer_is_that_of_meter() -> None:
    """Each stream looks at what the other was before the layer, not after it."""
    model, (image, text) = fusion(layers=1), tables()
    types = model.type_embeddings.weight
    with torch.no_grad():
        words = model.text_projection(text.tokens[:1]) + types[0]
        seen = model.image_projection(image.tokens[:1]) + types[1]
        streams = []
        for layer, tokens, others, mask, other_mask in (
            (model.layers[0], words, seen, visible(text.mask[:1]), None),
            (model.image_layers[0], seen, words, None, visible(text.mask[:1])),
        ):
            memory = layer.cross_attention.remember(others, other_mask)
            streams.append(layer(tokens, mask, memory))
        fused = model(image, text, index(0), index(0))
    torch.testing.assert_close(fused.text_tokens, streams[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(fused.image_tokens, streams[1], rtol=0, atol=1e-12)
    poolers = (model.text_pooler, model.image_pooler)
    pooled = [torch.tanh(p.dense(s[:, 0])) for p, s in zip(poolers, streams, strict=True)]
    torch.testing.assert_close(fused.pooled, torch.cat(pooled, 1), rtol=0, atol=1e-12)


def test_repeated_rows_are_gathered_rows() -> None:
    model, (image, text) = fusion(), tables(padded_images=True)
    images, texts = index(0, 0, 1, 3, 0), index(0, 1, 1, 2, 3)
    own = torch.arange(5)
    with torch.no_grad():
        gathered = model(image, text, images, texts)
        repeated = model(image.rows(images), text.rows(texts), own, own)
    torch.testing.assert_close(gathered.pooled, repeated.pooled, rtol=0, atol=1e-12)
    torch.testing.assert_close(gathered.image_tokens, repeated.image_tokens, rtol=0, atol=1e-12)


@pytest.mark.parametrize("class_token", [False, True])
def test_padding_never_changes_a_result(class_token: bool) -> None:
    model, (image, text) = fusion(class_token), tables(padded_images=True)
    assert image.mask is not None and text.mask is not None
    other_image = image.tokens.masked_fill(~image.mask[..., None], 100.0)
    other_text = text.tokens.masked_fill(~text.mask[..., None], 100.0)
    rows = index(0, 1, 3)
    with torch.no_grad():
        seen = model(image, text, rows, rows)
        same = model(
            Encoded(other_image, image.mask, image.pooled),
            Encoded(other_text, text.mask, text.pooled),
            rows,
            rows,
        )
    assert torch.equal(seen.pooled, same.pooled)
    assert torch.equal(seen.text_tokens[text.mask[rows]], same.text_tokens[text.mask[rows]])
    assert torch.equal(seen.image_tokens[image.mask[rows]], same.image_tokens[image.mask[rows]])


def test_an_image_without_a_single_token_gives_no_nan() -> None:
    model, (image, text) = fusion(class_token=False), tables(padded_images=True)
    assert model(image, text, index(2), index(1)).pooled.isfinite().all()


def test_every_weight_learns_and_both_sides_hear_of_it() -> None:
    model, (image, text) = fusion().train(), tables()
    image.tokens.requires_grad_()
    text.tokens.requires_grad_()
    rows = index(0, 1, 2, 0)
    model(image, text, rows, rows).pooled.pow(3).sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    assert image.tokens.grad is not None and image.tokens.grad[:3].count_nonzero() > 0
    assert image.tokens.grad[3].count_nonzero() == 0
    assert text.tokens.grad is not None and text.tokens.grad.count_nonzero() > 0


def test_half_precision_is_finite_and_close() -> None:
    model, (image, text) = fusion().float(), tables()
    image = Encoded(image.tokens.float(), None, image.pooled.float())
    text = Encoded(text.tokens.float(), text.mask, text.pooled.float())
    rows = index(*range(R))
    with torch.no_grad():
        exact = model(image, text, rows, rows).pooled
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = model(image, text, rows, rows).pooled
    assert rough.isfinite().all()
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)


def test_heads_judge_both_summaries() -> None:
    model, (image, text) = fusion(), tables()
    head = ITM("itm", negatives="random").head(Network(None, None, model, None))
    assert isinstance(head, nn.Linear) and head.in_features == model.pooled_width == 2 * WIDTH
    rows = index(0, 1)
    assert head.double()(model(image, text, rows, rows).pooled).shape == (2, 2)


def test_grad_cam_traces_words_alone() -> None:
    model = fusion()
    assert cross_attentions(model) == [layer.cross_attention for layer in model.layers]
