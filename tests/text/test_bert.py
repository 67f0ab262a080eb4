"""The first layers of encoders of Hugging Face, pretrained and at random."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from albefkit.layers import weights
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from albefkit.text.base import TextEncoder
from albefkit.text.bert import Bert
from albefkit.text.tokenizer import Corpus
from tests.layers.hub_models import CONFIGS, LAYERS, POSITIONS, WIDTH, WORDS, save_encoder

CORPUS = Corpus(lambda: ["a red dog", "a cat", "dogs and cats by the sea"] * 3)
TINY = {
    "layers": 2,
    "width": 16,
    "heads": 2,
    "feed_forward": 24,
    "positions": 32,
    "vocabulary": 60,
    "pretrained": False,
}


@pytest.fixture
def no_network(monkeypatch) -> None:
    """Nobody is to wait for a hub in these tests."""
    monkeypatch.setattr(weights, "unreachable", lambda url: "the hub is far away")


def test_a_recipe_finds_it_by_name() -> None:
    assert TextEncoder.by_name("bert") is Bert


@pytest.mark.parametrize("kind", CONFIGS)
def test_pretrained_layers_give_the_hidden_states_of_their_model(kind: str, tmp_path: Path) -> None:
    theirs = save_encoder(kind, tmp_path)
    ours = Bert(CORPUS, name=str(tmp_path), layers=2, max_tokens=8, pretrained=True).eval()
    view = ours.tokenizer.encode(["a red dog", "cats", ""])
    with torch.no_grad():
        encoded = ours(view.ids, view.mask)
        states = theirs(
            view.ids, attention_mask=view.mask.long(), output_hidden_states=True
        ).hidden_states
    expected = states[2]
    if kind == "modernbert":  # pre-norm: its last hidden state is normalised
        expected = theirs.final_norm(expected)
    real = view.mask
    torch.testing.assert_close(encoded.tokens[real], expected[real], rtol=1e-5, atol=1e-5)
    assert torch.equal(encoded.pooled, encoded.tokens[:, 0])
    assert ours.width == WIDTH and ours.word_embeddings.num_embeddings == len(WORDS)
    assert ours.load_report is not None and ours.load_report.pretrained
    assert ours.load_report.names("fresh") == []


def test_the_models_own_tokenizer_comes_with_pretrained_weights(tmp_path: Path) -> None:
    save_encoder("bert", tmp_path)
    tokenizer = Bert(CORPUS, name=str(tmp_path), layers=1, max_tokens=8).tokenizer
    assert tokenizer.words(tokenizer.encode(["a red dogs [MASK]"]).ids[0]) == [
        "[CLS]",
        "a",
        "red",
        "dog",
        "##s",
        "[MASK]",
    ]
    assert tokenizer.origin == str(tmp_path)


def test_no_weight_stays_without_a_gradient(tmp_path: Path) -> None:
    """A pooler that nobody reads would stall data parallelism."""
    save_encoder("electra", tmp_path)
    for name in (str(tmp_path), "bert", "roberta", "distilbert"):
        model = Bert(CORPUS, name=name, **TINY)
        view = model.tokenizer.encode(["a red dog", "cats by the sea"])
        model(view.ids, view.mask).tokens.square().sum().backward()
        missing = [n for n, p in model.named_parameters() if p.grad is None]
        assert missing == [], name


def test_padding_does_not_leak() -> None:
    model = Bert(CORPUS, **TINY, dropout=0.0).double().eval()
    view = model.tokenizer.encode(["a cat", "dogs and cats by the sea"])
    other = view.ids.clone()
    other[~view.mask] = model.tokenizer.vocabulary_size - 1
    with torch.no_grad():
        first, second = model(view.ids, view.mask), model(other, view.mask)
        alone = model(view.ids[:1, :3], view.mask[:1, :3])
    assert torch.equal(first.tokens[view.mask], second.tokens[view.mask])
    torch.testing.assert_close(first.tokens[0, :3], alone.tokens[0], rtol=0, atol=1e-12)


def test_padding_gets_no_gradient_through_the_lookup() -> None:
    model = Bert(CORPUS, **TINY)
    view = model.tokenizer.encode(["a cat", "dogs and cats by the sea"])
    model(view.ids, view.mask).tokens.square().sum().backward()
    gradient = model.word_embeddings.weight.grad
    assert gradient is not None
    assert gradient[model.tokenizer.pad_id].count_nonzero() == 0
    assert gradient[model.tokenizer.cls_id].count_nonzero() > 0


def test_dropout_is_what_the_recipe_says() -> None:
    view = Bert(CORPUS, **TINY).tokenizer.encode(["a red dog"])
    for dropout, same in ((0.0, True), (0.5, False)):
        model = Bert(CORPUS, **TINY, dropout=dropout).train()
        first, second = model(view.ids, view.mask), model(view.ids, view.mask)
        assert torch.equal(first.tokens, second.tokens) is same


def test_half_precision_is_finite_on_one_word_and_empty_texts() -> None:
    model = Bert(CORPUS, **TINY)
    view = model.tokenizer.encode(["", "cat", "dogs and cats by the sea"])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(view.ids, view.mask).tokens.isfinite().all()


def test_pretrained_false_looks_nowhere(monkeypatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("nobody asked for weights")

    monkeypatch.setattr(weights, "unreachable", never)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Bert(CORPUS, **TINY)
    assert model.load_report is not None
    assert model.load_report.summary() == "random weights: pretrained: false"


def test_auto_starts_at_random_with_a_warning_where_nothing_is_reachable(
    no_network: None,
) -> None:
    settings = TINY | {"pretrained": "auto"}
    with pytest.warns(AlbefkitWarning, match="starts from random weights.*far away"):
        model = Bert(CORPUS, name="bert-base-uncased", **settings)
    assert model.load_report is not None and not model.load_report.pretrained
    assert "far away" in model.load_report.as_dict()["reason"]
    # Only the weights are others: the table of words has its usual shape.
    assert model.tokenizer.vocabulary_size <= 60
    assert model.word_embeddings.num_embeddings == 30522


def test_true_insists(no_network: None) -> None:
    with pytest.raises(ComponentError, match="far away"):
        Bert(CORPUS, **TINY | {"pretrained": True})


def test_a_name_that_nothing_is_known_about(no_network: None) -> None:
    with pytest.raises(ComponentError, match="nothing says what 'nobody/nothing' is like"):
        Bert(CORPUS, **TINY, name="nobody/nothing")


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(ComponentError, match=r"there is no folder \./nowhere"):
        Bert(CORPUS, **TINY | {"pretrained": True}, name="./nowhere")


def test_a_folder_without_weights(tmp_path: Path) -> None:
    CONFIGS["bert"].save_pretrained(tmp_path)
    with pytest.raises(ComponentError, match=r"has none of model\.safetensors"):
        Bert(CORPUS, name=str(tmp_path), layers=1, pretrained=True)
    assert Bert(CORPUS, name=str(tmp_path), layers=1, max_tokens=8, pretrained=False).width == WIDTH


def test_weights_of_another_width_are_an_error_that_names_them(tmp_path: Path) -> None:
    save_encoder("bert", tmp_path)
    with pytest.raises(ComponentError) as caught:
        Bert(CORPUS, name=str(tmp_path), layers=2, width=32, max_tokens=8)
    assert "tensors of the backbone are not in" in str(caught.value)
    assert "pretrained: false" in str(caught.value)


def test_more_layers_than_there_are_is_an_error_that_names_them(tmp_path: Path) -> None:
    save_encoder("bert", tmp_path)
    with pytest.raises(ComponentError, match=r"encoder\.layer\.3.*not in the checkpoint"):
        Bert(CORPUS, name=str(tmp_path), layers=LAYERS + 1, max_tokens=8)


def test_another_vocabulary_leaves_only_the_words_fresh(tmp_path: Path) -> None:
    save_encoder("bert", tmp_path)
    model = Bert(
        CORPUS, name=str(tmp_path), layers=2, max_tokens=8, tokenizer="train", vocabulary=60
    )
    assert model.load_report is not None
    assert model.load_report.names("fresh") == ["embeddings.word_embeddings.weight"]
    assert model.word_embeddings.num_embeddings == model.tokenizer.vocabulary_size


def test_a_folder_without_a_tokenizer_says_what_to_do(tmp_path: Path) -> None:
    save_encoder("bert", tmp_path, tokenizer=False)
    with pytest.raises(ComponentError, match="tokenizer: train"):
        Bert(CORPUS, name=str(tmp_path), layers=1, max_tokens=8)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_tokens": POSITIONS + 1}, "positions"),
        ({"heads": 3}, "3 heads do not divide a width of 16"),
    ],
)
def test_sizes_that_do_not_fit(settings: dict, message: str, tmp_path: Path) -> None:
    CONFIGS["bert"].save_pretrained(tmp_path)
    asked = {"name": str(tmp_path), "layers": 1, "max_tokens": 8, "pretrained": False} | settings
    with pytest.raises(ComponentError, match=message):
        Bert(CORPUS, **asked)


def test_roberta_counts_its_positions_from_behind_the_padding() -> None:
    asked = TINY | {"name": "roberta", "positions": 12}
    with pytest.raises(ComponentError, match="11 positions"):
        Bert(CORPUS, **asked, max_tokens=12)
    model = Bert(CORPUS, **asked, max_tokens=11)
    view = model.tokenizer.encode(["a cat " * 20])
    assert model(view.ids, view.mask).tokens.shape == (1, 11, 16)


def test_weights_that_would_run_code_are_refused(tmp_path: Path, capsys) -> None:
    class Payload:
        def __reduce__(self):
            return print, ("run",)

    CONFIGS["bert"].save_pretrained(tmp_path)
    torch.save({"embeddings.LayerNorm.bias": Payload()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ComponentError, match="cannot be read"):
        Bert(CORPUS, name=str(tmp_path), layers=1, max_tokens=8, tokenizer="train")
    assert "run" not in capsys.readouterr().out
