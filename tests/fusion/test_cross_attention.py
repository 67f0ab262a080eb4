"""Fusion: pairs are independent, images are looked at once, weights come from upper layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from albefkit.fusion.base import Fusion
from albefkit.fusion.cross_attention import CrossAttention
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from albefkit.tensors import Encoded
from tests.layers.hub_models import LAYERS, WIDTH, save_encoder

R, N, L = 4, 6, 5


class Image:
    """As much of an image encoder as fusion is built by."""

    width = 12


class Text:
    """As much of a text encoder as fusion is built by."""

    width = WIDTH


def fusion(**settings) -> CrossAttention:
    torch.manual_seed(0)
    asked = {"layers": 2, "heads": 2, "feed_forward": 40, "pretrained": False} | settings
    made = CrossAttention(Image(), Text(), **asked)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.double().eval()


def tables(padded_images: bool = False) -> tuple[Encoded, Encoded]:
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    image, text = draw(R, N, 12), draw(R, L, WIDTH)
    lengths = torch.tensor([5, 1, 3, 2])
    text_mask = torch.arange(L) < lengths[:, None]
    image_mask = torch.arange(N) < torch.tensor([6, 2, 0, 3])[:, None] if padded_images else None
    return Encoded(image, image_mask, image[:, 0]), Encoded(text, text_mask, text[:, 0])


def index(*rows: int) -> torch.Tensor:
    return torch.tensor(rows)


def test_a_recipe_finds_it_by_name() -> None:
    assert Fusion.by_name("cross-attention") is CrossAttention


@pytest.mark.parametrize("padded_images", [False, True])
def test_one_batch_is_one_by_one(padded_images: bool) -> None:
    model, (image, text) = fusion(), tables(padded_images)
    images, texts = index(0, 3, 0, 1, 2, 2), index(0, 0, 1, 2, 3, 3)
    with torch.no_grad():
        together = model(image, text, images, texts)
        for pair in range(len(images)):
            alone = model(image, text, images[pair : pair + 1], texts[pair : pair + 1])
            torch.testing.assert_close(
                together.text_tokens[pair], alone.text_tokens[0], rtol=0, atol=1e-12
            )
    assert together.text_tokens.shape == (6, L, WIDTH) and together.image_tokens is None
    assert torch.equal(together.pooled, together.text_tokens[:, 0])


@pytest.mark.parametrize("padded_images", [False, True])
def test_repeated_image_rows_are_gathered_rows(padded_images: bool) -> None:
    model, (image, text) = fusion(), tables(padded_images)
    images, texts = index(0, 0, 2, 3, 0), index(0, 1, 1, 2, 3)
    own = torch.arange(5)
    with torch.no_grad():
        gathered = model(image, text, images, texts)
        repeated = model(image.rows(images), text.rows(texts), own, own)
    torch.testing.assert_close(gathered.text_tokens, repeated.text_tokens, rtol=0, atol=1e-12)


def test_an_order_of_pairs_is_an_order_of_answers() -> None:
    model, (image, text) = fusion(), tables()
    images, texts, order = index(0, 1, 2, 3), index(3, 1, 0, 2), index(2, 0, 3, 1)
    with torch.no_grad():
        first = model(image, text, images, texts).pooled[order]
        second = model(image, text, images[order], texts[order]).pooled
    torch.testing.assert_close(first, second, rtol=0, atol=1e-12)


def test_hidden_words_and_hidden_image_tokens_do_not_leak() -> None:
    model, (image, text) = fusion(), tables(padded_images=True)
    assert image.mask is not None and text.mask is not None
    other_image = image.tokens.clone()
    other_image[1, 2:] = 100.0
    other_text = text.tokens.clone()
    other_text[~text.mask] = 100.0
    rows = index(0, 1, 3)
    with torch.no_grad():
        seen = model(image, text, rows, rows)
        same = model(
            Encoded(other_image, image.mask, image.pooled),
            Encoded(other_text, text.mask, text.pooled),
            rows,
            rows,
        )
    real = text.mask[rows]
    assert torch.equal(seen.text_tokens[real], same.text_tokens[real])


def test_an_image_without_a_single_token_gives_no_nan() -> None:
    model, (image, text) = fusion(), tables(padded_images=True)
    assert model(image, text, index(2), index(1)).pooled.isfinite().all()


def test_the_image_matters() -> None:
    model, (image, text) = fusion(), tables()
    fused = model(image, text, index(0, 1), index(0, 0))
    assert (fused.pooled[0] - fused.pooled[1]).abs().max() > 1e-3


def test_keys_and_values_are_computed_once_per_image_and_layer() -> None:
    model, (image, text) = fusion(), tables()
    rows = []
    for layer in model.layers:
        layer.cross_attention.key.register_forward_hook(lambda m, a, o: rows.append(o.shape[0]))
    model(image, text, index(*range(R)).repeat(4), index(*range(R)).repeat(4))
    assert rows == [R, R]


def test_every_weight_learns_and_both_sides_hear_of_it() -> None:
    model, (image, text) = fusion().train(), tables()
    image.tokens.requires_grad_()
    text.tokens.requires_grad_()
    rows = index(0, 1, 2, 0)
    model(image, text, rows, rows).text_tokens.pow(3).sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    assert image.tokens.grad is not None and image.tokens.grad[:3].count_nonzero() > 0
    assert image.tokens.grad[3].count_nonzero() == 0
    assert text.tokens.grad is not None and text.tokens.grad.count_nonzero() > 0


def test_half_precision_is_finite_and_close() -> None:
    model, (image, text) = fusion().float(), tables()
    image = Encoded(image.tokens.float(), None, image.pooled.float())
    text = Encoded(text.tokens.float(), text.mask, text.pooled.float())
    rows = index(0, 1, 2, 3)
    with torch.no_grad():
        exact = model(image, text, rows, rows).pooled
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = model(image, text, rows, rows).pooled
    assert rough.isfinite().all()
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert"])
def test_upper_layers_of_an_encoder_become_its_own(kind: str, tmp_path: Path) -> None:
    theirs = save_encoder(kind, tmp_path).state_dict()
    model = CrossAttention(Image(), Text(), name=str(tmp_path), from_layer=1, layers=2)
    distil = kind == "distilbert"
    prefix = "transformer.layer" if distil else "encoder.layer"
    query = "attention.q_lin" if distil else "attention.self.query"
    narrow = "ffn.lin2" if distil else "output.dense"
    for ours, layer in enumerate((1, 2)):
        mine = model.layers[ours]
        assert torch.equal(
            mine.self_attention.query.weight, theirs[f"{prefix}.{layer}.{query}.weight"]
        )
        assert torch.equal(
            mine.feed_forward.contract.bias, theirs[f"{prefix}.{layer}.{narrow}.bias"]
        )
    assert model.layers[0].feed_forward_norm.eps == (1e-5 if kind == "roberta" else 1e-12)
    report = model.load_report
    assert report is not None and report.pretrained
    assert all(".cross_attention" in name for name in report.names("fresh"))
    assert len(report.names("fresh")) == 2 * 10 and len(report.names("renamed")) == 2 * 16


def test_layers_of_another_make_are_refused(tmp_path: Path) -> None:
    save_encoder("modernbert", tmp_path)
    with pytest.raises(ComponentError, match="no post-norm layers"):
        CrossAttention(Image(), Text(), name=str(tmp_path), from_layer=1, layers=2)


def test_more_layers_than_the_encoder_has(tmp_path: Path) -> None:
    save_encoder("bert", tmp_path)
    with pytest.raises(ComponentError) as caught:
        CrossAttention(Image(), Text(), name=str(tmp_path), from_layer=2, layers=2)
    assert f"fusion wants layers 2 to 3, and {tmp_path} has {LAYERS}" in str(caught.value)


def test_an_encoder_of_another_width(tmp_path: Path) -> None:
    save_encoder("bert", tmp_path)
    text = Text()
    text.width = 32
    with pytest.raises(ComponentError, match="fusion's width is that of the text encoder, 32, and"):
        CrossAttention(Image(), text, name=str(tmp_path), from_layer=1, layers=2)
    model = CrossAttention(Image(), text, name=str(tmp_path), layers=1, pretrained=False)
    assert model.width == 32 and model.layers[0].feed_forward.expand.out_features == 128


def test_out_of_reach_it_starts_at_random_and_says_so(monkeypatch) -> None:
    monkeypatch.setattr("albefkit.layers.weights.unreachable", lambda url: "the hub is far away")
    with pytest.warns(AlbefkitWarning, match="fusion from bert-base-uncased starts from random"):
        model = CrossAttention(Image(), Text(), layers=1)
    assert model.load_report is not None and not model.load_report.pretrained


def test_the_state_dict_has_one_name_per_tensor() -> None:
    model = fusion()
    assert isinstance(model.layers, nn.ModuleList)
    assert len(model.state_dict()) == 2 * (10 + 16)
    assert all(name.startswith("layers.") for name in model.state_dict())
