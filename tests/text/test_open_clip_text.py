"""Text towers of OpenCLIP."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from albefkit.assemble import assemble
from albefkit.data.sampler import Order
from albefkit.feeding import train_loader
from albefkit.layers import open_clip_models, weights
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from albefkit.text.base import TextEncoder
from albefkit.text.open_clip_text import OpenClipText
from albefkit.text.tokenizer import Corpus

CORPUS = Corpus(lambda: ["a red dog", "a cat", "dogs and cats by the sea"] * 3)
TINY: dict[str, Any] = {
    "width": 16,
    "layers": 2,
    "heads": 2,
    "vocabulary": 60,
    "max_tokens": 12,
    "pretrained": False,
}
MICRO = Path(__file__).parent.parent / "micro.yaml"
RECIPE = "model.text={type: open-clip, width: 16, layers: 1, heads: 2, pretrained: false}"
TEXTS = ["a red dog", "cats!", "", "a cat and dogs by the sea " * 5]
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 14, "width": 16, "heads": 2, "layers": 3},
}


def save(folder: Path, **text: Any) -> Any:
    """Save a CLIP model with random weights as open_clip reads it from a folder."""
    torch.manual_seed(0)
    config = CONFIG | {"text_cfg": CONFIG["text_cfg"] | text}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return model.eval()


def test_a_recipe_finds_it_by_name() -> None:
    assert TextEncoder.by_name("open-clip") is OpenClipText


def test_it_says_what_clip_itself_says(tmp_path: Path) -> None:
    clip = save(tmp_path)
    ours = OpenClipText(CORPUS, name=f"local-dir:{tmp_path}", pretrained=True).eval()
    view = ours.tokenizer.encode(TEXTS)
    ids = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(TEXTS)
    with torch.no_grad():
        encoded = ours(view.ids, view.mask)
        pooled = clip.encode_text(ids)
        tokens = clip.forward_intermediates(
            text=ids, normalize_intermediates=True, intermediates_only=True
        )["text_intermediates"][-1]
    torch.testing.assert_close(encoded.pooled @ clip.text_projection, pooled, rtol=0, atol=1e-5)
    real = view.mask
    expected = tokens[:, : real.shape[1]][real]
    torch.testing.assert_close(encoded.tokens[real], expected, rtol=0, atol=1e-5)
    assert encoded.mask is view.mask and real.sum(1).tolist() == [5, 4, 2, 14]
    assert (ours.width, ours.max_tokens) == (16, 14)
    assert ours.word_embeddings.num_embeddings == 49408
    assert ours.load_report is not None and ours.load_report.names("fresh") == []


def test_a_token_sees_only_those_before_it() -> None:
    model = OpenClipText(CORPUS, **TINY).double().eval()
    view = model.tokenizer.encode(["a cat", "dogs and cats by the sea"])
    other = view.ids.clone()
    other[~view.mask] = model.tokenizer.vocabulary_size - 1
    later = view.ids.clone()
    later[1, 4:] = model.tokenizer.unk_id
    with torch.no_grad():
        first, second = model(view.ids, view.mask), model(other, view.mask)
        alone = model(view.ids[:1, :4], view.mask[:1, :4])
        changed = model(later, view.mask)
    assert view.mask[0].sum() == 4
    assert torch.equal(first.tokens[view.mask], second.tokens[view.mask])
    assert torch.equal(first.pooled, second.pooled)
    torch.testing.assert_close(first.tokens[0, :4], alone.tokens[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(first.pooled[0], alone.pooled[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(changed.tokens[1, :4], first.tokens[1, :4], rtol=0, atol=1e-12)
    assert not torch.allclose(changed.pooled[1], first.pooled[1])


def test_the_summary_is_the_end_of_each_text() -> None:
    model = OpenClipText(CORPUS, **TINY)
    view = model.tokenizer.encode(["a cat", "", "dogs and cats by the sea " * 9])
    encoded = model(view.ids, view.mask)
    for row, length in enumerate(view.mask.sum(1).tolist()):
        assert view.ids[row, length - 1] == model.tokenizer.sep_id
        assert torch.equal(encoded.pooled[row], encoded.tokens[row, length - 1])
    assert view.ids.shape[1] == 12


def test_any_size_with_a_tokenizer_trained_on_the_corpus(monkeypatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("nobody asked for weights")

    monkeypatch.setattr(open_clip_models, "unreachable", never)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = OpenClipText(CORPUS, **TINY)
    assert model.tokenizer.origin == "trained" and model.tokenizer.vocabulary_size <= 60
    assert model.word_embeddings.weight.shape == (model.tokenizer.vocabulary_size, 16)
    assert len(model.model.transformer.resblocks) == 2
    assert model.model.positional_embedding.shape == (12, 16)
    assert OpenClipText(CORPUS, **TINY | {"max_tokens": 90}).max_tokens == 90


def test_every_weight_learns_in_half_precision_too() -> None:
    model = OpenClipText(CORPUS, **TINY)
    view = model.tokenizer.encode(["", "dogs and cats by the sea " * 9])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        encoded = model(view.ids, view.mask)
    assert encoded.tokens.isfinite().all()
    encoded.tokens.float().pow(3).sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_a_saved_tokenizer_comes_first(tmp_path: Path) -> None:
    trained = OpenClipText(CORPUS, **TINY).tokenizer
    trained.save(tmp_path / "tokenizer.json")
    others = Corpus(lambda: ["green ideas"] * 3, tmp_path / "tokenizer.json")
    again = OpenClipText(others, **TINY).tokenizer
    assert again.encode(TEXTS).ids.equal(trained.encode(TEXTS).ids)


def test_a_hub_out_of_reach_changes_the_weights_and_nothing_else(monkeypatch) -> None:
    monkeypatch.setattr(open_clip_models, "unreachable", lambda url: "far away")
    small = {"width": 16, "layers": 1, "heads": 2}
    with pytest.warns(AlbefkitWarning, match="starts from random weights: far away"):
        model = OpenClipText(CORPUS, weights="laion2b_s34b_b88k", **small)
    assert model.tokenizer.vocabulary_size == 49408 and model.max_tokens == 77
    with pytest.raises(ComponentError, match=r"has no weights 'x'; there are: .*openai"):
        OpenClipText(CORPUS, weights="x", pretrained=True, **small)


def test_fewer_layers_and_other_words_leave_the_rest_pretrained(tmp_path: Path) -> None:
    clip = save(tmp_path)
    model = OpenClipText(
        CORPUS, name=f"local-dir:{tmp_path}", layers=2, tokenizer="train", vocabulary=60
    )
    assert model.load_report is not None
    assert model.load_report.names("fresh") == ["token_embedding.weight"]
    theirs = clip.transformer.resblocks[1].mlp.c_fc.weight
    assert torch.equal(model.model.transformer.resblocks[1].mlp.c_fc.weight, theirs)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "nope"}, "no model 'nope'"),
        ({"name": "ViT-B-16-SigLIP"}, "no causal transformer"),
        ({"name": "coca_ViT-B-32"}, "no causal transformer"),
        ({"name": "xlm-roberta-base-ViT-B-32"}, "no causal transformer"),
        ({"heads": 3}, "3 heads do not divide a width of 16"),
        ({"pretrained": "auto", "max_tokens": 78}, "78, and the model has 77 positions"),
        ({"name": "local-dir:nowhere"}, "open_clip cannot make local-dir:nowhere"),
    ],
)
def test_what_does_not_fit_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        OpenClipText(CORPUS, **TINY | settings)


def test_other_weights_than_those_of_the_shape_are_named(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(ComponentError, match="tensors of the backbone are not in"):
        OpenClipText(CORPUS, name=f"local-dir:{tmp_path}", width=32)


def test_clips_words_are_not_given_to_a_model_of_others(tmp_path: Path) -> None:
    save(tmp_path, vocab_size=50)
    with pytest.raises(ComponentError, match="not made for CLIP's tokenizer"):
        OpenClipText(CORPUS, name=f"local-dir:{tmp_path}", pretrained=True)
    fresh = OpenClipText(CORPUS, name=f"local-dir:{tmp_path}", pretrained=False, tokenizer="clip")
    assert fresh.word_embeddings.num_embeddings == 49408


def test_nothing_looks_far_for_a_local_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(weights, "unreachable", lambda url: pytest.fail("asked the network"))
    save(tmp_path, layers=1, width=8)
    assert OpenClipText(CORPUS, name=f"local-dir:{tmp_path}").width == 8


def test_words_are_hidden_and_fused_as_those_of_any_encoder() -> None:
    assembly = assemble(load_recipe(MICRO, sets=[RECIPE]))
    batch = next(train_loader(assembly, Order(0, 64, 8)).batches())
    report = assembly.pretrainer(batch, Progress(step=0, steps_per_epoch=1, epochs=1))
    report.loss.backward()
    assert report.losses.keys() == {"itc", "itm", "mlm"}
    text = assembly.pretrainer.student.text
    assert text is not None and text.tokenizer.mask_id is not None
    assert [n for n, p in text.named_parameters() if p.grad is None] == []


def test_where_no_word_stands_for_a_hidden_one_nothing_can_be_hidden() -> None:
    with pytest.raises(ComponentError) as caught:
        assemble(load_recipe(MICRO, sets=[RECIPE, "model.text.tokenizer=clip"]))
    assert "objectives.mlm" in str(caught.value) and "no [MASK]" in str(caught.value)
    assert "tokenizer: train" in str(caught.value)
