"""One stream: pairs are independent, padding says nothing, weights come from ViT or BERT."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from timm.models import save_for_hf
from torch import nn

from albefkit.fusion.base import Fusion
from albefkit.fusion.joint import Joint
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from albefkit.tensors import Encoded
from tests.fusion.test_cross_attention import Image, L, N, R, Text, index, tables
from tests.layers.hub_models import WIDTH, save_encoder

NORMS = pytest.mark.parametrize("norm", ["before", "after"])
VIT = {"img_size": 32, "patch_size": 16, "embed_dim": WIDTH, "depth": 3, "num_heads": 2}


def fusion(norm: str = "before", **settings) -> Joint:
    torch.manual_seed(0)
    asked = {"layers": 2, "heads": 2, "feed_forward": 40, "pretrained": False} | settings
    made = Joint(Image(), Text(), norm=norm, **asked)  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.double().eval()


def save_vit(folder: Path, name: str = "vit_tiny_patch16_224", **sizes) -> nn.Module:
    """Save a small vision transformer with random weights in timm's layout."""
    torch.manual_seed(0)
    sizes = VIT | sizes
    model = timm.create_model(name, num_classes=0, **sizes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    save_for_hf(model, str(folder), model_args=sizes, safe_serialization=True)
    return model.eval()


def test_a_recipe_finds_it_by_name() -> None:
    assert Fusion.by_name("joint") is Joint


@NORMS
@pytest.mark.parametrize("padded_images", [False, True])
def test_one_batch_is_one_by_one(norm: str, padded_images: bool) -> None:
    model, (image, text) = fusion(norm), tables(padded_images)
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
    assert together.pooled.shape == (6, WIDTH) and model.pooled_width == WIDTH


@NORMS
def test_repeated_rows_are_gathered_rows(norm: str) -> None:
    model, (image, text) = fusion(norm), tables(padded_images=True)
    images, texts = index(0, 0, 2, 3, 0), index(0, 1, 1, 2, 3)
    own = torch.arange(5)
    with torch.no_grad():
        gathered = model(image, text, images, texts)
        repeated = model(image.rows(images), text.rows(texts), own, own)
    torch.testing.assert_close(gathered.text_tokens, repeated.text_tokens, rtol=0, atol=1e-12)
    torch.testing.assert_close(gathered.image_tokens, repeated.image_tokens, rtol=0, atol=1e-12)


@NORMS
def test_padding_never_changes_a_result(norm: str) -> None:
    model, (image, text) = fusion(norm), tables(padded_images=True)
    assert image.mask is not None and text.mask is not None
    other_image = image.tokens.masked_fill(~image.mask[..., None], 100.0)
    other_text = text.tokens.masked_fill(~text.mask[..., None], 100.0)
    rows = index(*range(R))
    with torch.no_grad():
        seen = model(image, text, rows, rows)
        same = model(
            Encoded(other_image, image.mask, image.pooled),
            Encoded(other_text, text.mask, text.pooled),
            rows,
            rows,
        )
        short = model(image, Encoded(text.tokens[:, :3], text.mask[:, :3], text.pooled), rows, rows)
    assert torch.equal(seen.pooled, same.pooled)
    assert torch.equal(seen.text_tokens[text.mask], same.text_tokens[text.mask])
    assert torch.equal(seen.image_tokens[image.mask], same.image_tokens[image.mask])
    # Texts 1 to 3 have three words at most: what was cut off was padding.
    torch.testing.assert_close(seen.pooled[1:], short.pooled[1:], rtol=0, atol=1e-12)


@NORMS
def test_everything_looks_at_everything(norm: str) -> None:
    model, (image, text) = fusion(norm), tables()
    with torch.no_grad():
        fused = model(image, text, index(0, 1, 0), index(0, 0, 1))
    assert (fused.pooled[0] - fused.pooled[1]).abs().max() > 1e-3
    assert (fused.image_tokens[0] - fused.image_tokens[2]).abs().max() > 1e-3


@NORMS
def test_every_weight_learns_and_both_sides_hear_of_it(norm: str) -> None:
    model, (image, text) = fusion(norm).train(), tables()
    image.tokens.requires_grad_()
    text.tokens.requires_grad_()
    rows = index(0, 1, 2, 0)
    fused = model(image, text, rows, rows)
    (fused.pooled.pow(3).sum() + fused.text_tokens.pow(3).sum()).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    assert image.tokens.grad is not None and image.tokens.grad[:3].count_nonzero() > 0
    assert image.tokens.grad[3].count_nonzero() == 0
    assert text.tokens.grad is not None and text.tokens.grad.count_nonzero() > 0


@NORMS
def test_half_precision_is_finite_and_close(norm: str) -> None:
    model, (image, text) = fusion(norm).float(), tables()
    image = Encoded(image.tokens.float(), None, image.pooled.float())
    text = Encoded(text.tokens.float(), text.mask, text.pooled.float())
    rows = index(*range(R))
    with torch.no_grad():
        exact = model(image, text, rows, rows).pooled
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = model(image, text, rows, rows).pooled
    assert rough.isfinite().all()
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)


def test_images_of_the_texts_width_are_not_projected() -> None:
    vision = Image()
    vision.width = WIDTH
    model = Joint(vision, Text(), layers=1, pretrained=False)
    assert [name for name, _ in model.named_parameters() if "projection" in name] == []
    assert fusion().image_projection.weight.shape == (WIDTH, 12)


def test_the_layers_of_a_vision_transformer_become_its_own(tmp_path: Path) -> None:
    theirs = save_vit(tmp_path)
    model = Joint(Image(), Text(), name=f"local-dir:{tmp_path}", layers=3, pretrained=True).eval()
    tokens = torch.randn(2, 7, WIDTH, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs.norm(theirs.blocks(tokens))
        torch.testing.assert_close(model.transformer(tokens, None), expected)
    report = model.load_report
    assert report is not None and report.pretrained and not report.names("fresh")


def test_the_layers_of_bert_become_its_own(tmp_path: Path) -> None:
    theirs = save_encoder("bert", tmp_path)
    name = str(tmp_path)
    model = Joint(Image(), Text(), norm="after", name=name, layers=3, pretrained=True).eval()
    tokens = torch.randn(2, 7, WIDTH, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs.encoder(tokens).last_hidden_state
        torch.testing.assert_close(model.transformer(tokens, None), expected, rtol=1e-4, atol=1e-5)
    report = model.load_report
    assert report is not None and report.pretrained and not report.names("fresh")


def test_what_cannot_be_begun_with_is_refused(tmp_path: Path) -> None:
    save_vit(tmp_path)
    local = f"local-dir:{tmp_path}"
    with pytest.raises(ComponentError, match=r"fusion wants layers 0 to 3, and .* has 3"):
        Joint(Image(), Text(), name=local, layers=4, pretrained=True)
    text = Text()
    text.width = 32
    with pytest.raises(ComponentError, match="fusion's width is that of the text encoder, 32, and"):
        Joint(Image(), text, name=local, layers=2, pretrained=True)
    with pytest.raises(ComponentError, match="no plain vision transformer"):
        Joint(Image(), Text(), name="resnet10t", layers=2)
    with pytest.raises(ComponentError, match="no plain vision transformer"):
        Joint(Image(), Text(), name="deit3_small_patch16_224", layers=2)  # it scales its layers


def test_out_of_reach_it_starts_at_random_and_says_so(monkeypatch) -> None:
    monkeypatch.setattr("albefkit.layers.weights.unreachable", lambda url: "the hub is far away")
    with pytest.warns(AlbefkitWarning, match="fusion from vit_base_patch32_384 starts from random"):
        model = Joint(Image(), Text(), layers=1)
    assert model.load_report is not None and not model.load_report.pretrained
