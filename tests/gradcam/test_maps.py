"""Maps from weights and gradients, against the formulas of spec 7 by hand."""

from __future__ import annotations

import pytest
import torch

from albefkit.gradcam.maps import (
    Layout,
    Trace,
    real_words,
    sentence_maps,
    summary_maps,
    word_maps,
)

WHERE = Layout(prefix=2, rows=2, columns=3)
MASK = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]]).bool()


@pytest.fixture
def trace() -> Trace:
    generator = torch.Generator().manual_seed(0)
    shape = (2, 3, 4, WHERE.tokens)
    weights = torch.randn(shape, generator=generator).softmax(-1)
    return Trace(weights, torch.randn(shape, generator=generator))


def test_word_maps(trace):
    found = word_maps(trace, MASK, WHERE)
    assert found.shape == (2, 4, 2, 3)
    for pair in range(2):
        for word in range(4):
            for row in range(2):
                for column in range(3):
                    token = 2 + 3 * row + column
                    heads = [
                        trace.weights[pair, head, word, token].item()
                        * max(0.0, trace.gradients[pair, head, word, token].item())
                        for head in range(3)
                    ]
                    wanted = sum(heads) / 3 if MASK[pair, word] else 0.0
                    assert found[pair, word, row, column].item() == pytest.approx(wanted)


def test_sentences_as_released_divide_by_all_positions(trace):
    words = word_maps(trace, MASK, WHERE)
    torch.testing.assert_close(sentence_maps(words)[0], words[0, :3].sum(0) / 4)


def test_sentences_of_real_words_do_not_depend_on_padding(trace):
    counted = torch.tensor([[0, 1, 1, 0], [0, 1, 1, 1]]).bool()
    words = word_maps(trace, MASK, WHERE)
    found = sentence_maps(words, counted)
    torch.testing.assert_close(found[0], words[0, 1:3].mean(0))
    torch.testing.assert_close(found[1], words[1, 1:].mean(0))
    nothing = torch.zeros_like(counted)
    assert torch.all(sentence_maps(words, nothing) == 0)


def test_real_words_are_neither_padding_nor_roles():
    ids = torch.tensor([[2, 9, 4, 0], [2, 8, 7, 3]])
    found = real_words(ids, MASK, frozenset({0, 1, 2, 3, 4}))
    assert found.tolist() == [[False, True, False, False], [False, True, True, False]]


def test_summary_maps_are_of_the_first_token(trace):
    first = trace.weights[:, :, 0, 2:] * trace.gradients[:, :, 0, 2:].clamp(min=0)
    torch.testing.assert_close(summary_maps(trace, WHERE), first.mean(1).reshape(2, 2, 3))


def test_halves_are_multiplied_as_wholes(trace):
    small = Trace(trace.weights.bfloat16() * 1e-3, trace.gradients.bfloat16() * 1e-3)
    assert word_maps(small, MASK, WHERE).dtype == torch.float32
