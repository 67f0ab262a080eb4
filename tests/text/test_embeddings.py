"""Words and positions without layers."""

from __future__ import annotations

import torch

from albefkit.text.base import TextEncoder
from albefkit.text.embeddings import Embeddings
from albefkit.text.tokenizer import Corpus

CORPUS = Corpus(lambda: ["a red dog", "a cat", "dogs and cats by the sea"] * 3)


def test_words_are_told_apart_by_place_and_not_by_company() -> None:
    model = Embeddings(CORPUS, width=16, vocabulary=60, dropout=0.0)
    view = model.tokenizer.encode(["a a", "a cat by the sea"])
    encoded = model(view.ids, view.mask)
    assert encoded.tokens.shape == (2, 6, 16) and encoded.mask is view.mask
    assert not torch.equal(encoded.tokens[0, 1], encoded.tokens[0, 2])
    assert torch.equal(encoded.tokens[0, 1], encoded.tokens[1, 1])
    assert torch.equal(encoded.pooled, encoded.tokens[:, 0])
    torch.testing.assert_close(encoded.tokens.mean(dim=2), torch.zeros(2, 6), atol=1e-5, rtol=0)


def test_every_weight_learns_and_padding_does_not() -> None:
    model = Embeddings(CORPUS, width=16, vocabulary=60, dropout=0.0)
    view = model.tokenizer.encode(["a", "a cat by the sea"])
    model(view.ids, view.mask).tokens.pow(3).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    gradient = model.word_embeddings.weight.grad
    assert gradient is not None and gradient[model.tokenizer.pad_id].count_nonzero() == 0


def test_texts_are_cut_to_the_table_of_positions() -> None:
    model = Embeddings(CORPUS, width=16, vocabulary=60, max_tokens=5)
    view = model.tokenizer.encode(["a cat " * 20])
    assert model(view.ids, view.mask).tokens.shape == (1, 5, 16)


def test_a_recipe_finds_it_by_name() -> None:
    assert TextEncoder.by_name("embeddings") is Embeddings
