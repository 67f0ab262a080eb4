"""What a decoder of answers may look at."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from albefkit.layers import attention
from albefkit.layers.answer_decoder import AnswerDecoder, WordEmbeddings, pick
from albefkit.layers.cross_layer import CrossLayer
from albefkit.tensors import Encoded, TextView

WIDTH, WORDS, POSITIONS, PAD = 8, 13, 7, 0
ANSWERS = torch.tensor([[2, 5, 9, 3, 0], [2, 7, 3, 0, 0], [2, 4, 6, 8, 3]])
REAL = ANSWERS != PAD
OWNER = torch.tensor([0, 0, 1])


def decoder(types: bool = True, padded_positions: bool = False) -> AnswerDecoder:
    torch.manual_seed(0)
    embeddings = WordEmbeddings(
        words=nn.Embedding(WORDS, WIDTH, padding_idx=PAD),
        positions=nn.Embedding(POSITIONS, WIDTH, padding_idx=1 if padded_positions else None),
        types=nn.Embedding(2, WIDTH) if types else None,
        norm=nn.LayerNorm(WIDTH, eps=1e-12),
        dropout=0.0,
    )
    layers = [CrossLayer(WIDTH, 2, 16, WIDTH, 0.0, 1e-12) for _ in range(2)]
    return AnswerDecoder(embeddings, layers).double()


def questions() -> Encoded:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randn(2, 4, WIDTH, generator=generator, dtype=torch.float64)
    return Encoded(tokens, torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]]).bool(), tokens[:, 0])


def states(
    who: AnswerDecoder, asked: Encoded, ids: Tensor = ANSWERS, mask: Tensor = REAL
) -> Tensor:
    return who.read(ids, mask, pick(who.remember(asked.tokens, asked.mask), OWNER))


def test_a_word_sees_itself_and_those_before_it():
    who, asked = decoder(), questions()
    changed = ANSWERS.clone()
    changed[:, 2] = 10
    before, after = states(who, asked), states(who, asked, changed)
    torch.testing.assert_close(before[:, :2], after[:, :2])
    assert (before[2, 2:] - after[2, 2:]).abs().amax(1).min() > 1e-3


def test_padding_is_not_seen_in_answers_or_questions():
    who, asked = decoder(), questions()
    whole = states(who, asked)
    short = states(who, asked, ANSWERS[:, :3], REAL[:, :3])
    torch.testing.assert_close(whole[1, :3], short[1])
    asked.tokens[~asked.mask] = 100.0
    torch.testing.assert_close(whole, states(who, asked))
    asked.tokens[0, 0] += 1.0
    moved = (whole - states(who, asked)).abs().amax((1, 2))
    assert moved[:2].min() > 1e-3 and moved[2] == 0


def test_both_kernels_see_the_same(monkeypatch):
    who, asked = decoder(), questions()
    found = []
    for fused in (False, True):
        monkeypatch.setattr(attention, "fused_pays", lambda device=None, fused=fused: fused)
        found.append(states(who, asked))
    torch.testing.assert_close(*found)


def test_it_judges_the_places_asked_for():
    who, asked = decoder(), questions()
    places = torch.tensor([2, 0, 2]), torch.tensor([1, 0, 3])
    found = who(asked, TextView(ANSWERS, REAL), OWNER, places)
    assert found.shape == (3, WORDS)
    torch.testing.assert_close(found, who.judge(states(who, asked)[places]))


def test_words_are_judged_by_their_own_embeddings():
    who, asked = decoder(), questions()
    before = who.judge(states(who, asked).flatten(0, 1))
    with torch.no_grad():
        who.embeddings.word_embeddings.weight[12, ::2] += 1.0
    moved = (who.judge(states(who, asked).flatten(0, 1)) - before).abs().amax(0)
    assert moved[12] > 1e-3 and moved[:12].max() < 1e-12
    assert not any("decoder" in name for name in who.state_dict())


@pytest.mark.parametrize(("padded", "first"), [(False, 0), (True, 2)])
def test_positions_begin_behind_a_row_for_padding(padded, first):
    who = decoder(padded_positions=padded).embeddings
    expected = (
        who.word_embeddings.weight[ANSWERS]
        + who.position_embeddings.weight[first : first + 5]
        + who.token_type_embeddings.weight[0]
    )
    torch.testing.assert_close(who(ANSWERS), who.LayerNorm(expected))


def test_embeddings_without_types():
    who = decoder(types=False).embeddings
    expected = who.word_embeddings.weight[ANSWERS] + who.position_embeddings.weight[:5]
    torch.testing.assert_close(who(ANSWERS), who.LayerNorm(expected))
    assert "token_type_embeddings.weight" not in who.state_dict()
