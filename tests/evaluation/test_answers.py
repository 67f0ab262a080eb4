"""Answers of a small decoder, against trying every one of them by hand."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from albefkit.evaluation.answer_generation import Marks, spell, write_answers
from albefkit.evaluation.answer_ranking import log_likelihood, rank_answers
from albefkit.layers.answer_decoder import AnswerDecoder, WordEmbeddings
from albefkit.layers.attention import Memory
from albefkit.layers.cross_layer import CrossLayer
from albefkit.tensors import TextView
from albefkit.text.tokenizer import Tokenizer
from albefkit.text.wordpiece import from_vocabulary

PAD, CLS, SEP, MASK = 0, 1, 2, 3
WORDS, WIDTH, QUESTIONS = 9, 8, 5
MARKS = Marks(begin=CLS, end=SEP, fill=PAD, barred={PAD, CLS, MASK})
LISTED = [[4], [4, 5], [6], [7, 8, 4], [6, 6], [8]]


def decoder() -> AnswerDecoder:
    torch.manual_seed(3)
    embeddings = WordEmbeddings(
        words=nn.Embedding(WORDS, WIDTH, padding_idx=PAD),
        positions=nn.Embedding(8, WIDTH),
        types=None,
        norm=nn.LayerNorm(WIDTH),
        dropout=0.0,
    )
    made = AnswerDecoder(embeddings, [CrossLayer(WIDTH, 2, 16, WIDTH, 0.0, 1e-12)]).double()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.7)
    return made.eval()


def memories(who: AnswerDecoder) -> list[Memory]:
    tokens = torch.randn(QUESTIONS, 4, WIDTH, dtype=torch.float64)
    mask = torch.ones(QUESTIONS, 4).bool()
    mask[1, 2:] = False
    return who.remember(tokens, mask)


def listed() -> TextView:
    rows = [[CLS, *words, SEP] for words in LISTED]
    ids = torch.tensor([row + [PAD] * (5 - len(row)) for row in rows])
    return TextView(ids, ids != PAD)


def one(of: list[Memory], question: int) -> list[Memory]:
    return [memory.rows(torch.tensor([question])) for memory in of]


def by_hand(who: AnswerDecoder, of: list[Memory], question: int, words: list[int]) -> float:
    """Log-probability of one answer, word by word."""
    total, ids = 0.0, [CLS]
    for word in words:
        shown = torch.tensor([ids])
        states = who.read(shown, torch.ones_like(shown).bool(), one(of, question))
        total += who.judge(states[:, -1]).log_softmax(1)[0, word].item()
        ids.append(word)
    return total


def every_one(who: AnswerDecoder, of: list[Memory]) -> Tensor:
    return torch.tensor(
        [[by_hand(who, of, q, [*words, SEP]) for words in LISTED] for q in range(QUESTIONS)]
    ).double()


@pytest.mark.parametrize("rows", [1, 4, 100])
@torch.no_grad()
def test_log_likelihoods_are_sums_over_words(rows):
    who = decoder()
    of = memories(who)
    question = torch.tensor([0, 4, 1, 1, 3, 0])
    answer = torch.tensor([3, 0, 5, 3, 1, 2])
    found = log_likelihood(who, of, listed(), question, answer, rows)
    torch.testing.assert_close(found, every_one(who, of)[question, answer])


@torch.no_grad()
def test_a_whole_list_is_ranked_by_likelihood():
    who = decoder()
    of = memories(who)
    ranking = rank_answers(who, of, listed(), 50)
    scores, order = every_one(who, of).sort(descending=True)
    assert torch.equal(ranking.answers, order)
    torch.testing.assert_close(ranking.scores, scores)


@torch.no_grad()
def test_only_answers_that_begin_well_are_ranked():
    who = decoder()
    of = memories(who)
    ranking = rank_answers(who, of, listed(), 3)
    first = [[by_hand(who, of, q, words[:1]) for words in LISTED] for q in range(QUESTIONS)]
    cut = torch.tensor(first).double().sort(descending=True).values[:, 2]
    taken = torch.tensor(first).double().gather(1, ranking.answers)
    assert (taken >= cut[:, None] - 1e-12).all()
    table = every_one(who, of)
    torch.testing.assert_close(ranking.scores, table.gather(1, ranking.answers))
    assert (ranking.scores.diff(dim=1) <= 0).all()


@torch.no_grad()
def test_the_first_word_counts_twice_if_asked_for():
    who = decoder()
    of = memories(who)
    first = [[by_hand(who, of, q, words[:1]) for words in LISTED] for q in range(QUESTIONS)]
    doubled = every_one(who, of) + torch.tensor(first).double()
    ranking = rank_answers(who, of, listed(), 6, double_count=True)
    scores, order = doubled.sort(descending=True)
    assert torch.equal(ranking.answers, order)
    torch.testing.assert_close(ranking.scores, scores)
    assert not torch.equal(order, rank_answers(who, of, listed(), 6).answers)


@torch.no_grad()
def test_one_beam_takes_the_best_word_each_time():
    who = decoder()
    of = memories(who)
    found = write_answers(who, of, MARKS, beams=1, longest=4)
    for question in range(QUESTIONS):
        words: list[int] = []
        while len(words) < 4 and SEP not in words:
            options = [w for w in range(WORDS) if w not in MARKS.barred]
            words.append(max(options, key=lambda w: by_hand(who, of, question, [*words, w])))
        assert found[question, : len(words)].tolist() == words
        assert (found[question, len(words) :] == PAD).all()


@torch.no_grad()
def test_enough_beams_find_the_most_probable_answer():
    who = decoder()
    of = memories(who)
    found = write_answers(who, of, MARKS, beams=40, longest=3)
    words = [w for w in range(WORDS) if w not in MARKS.barred and w != SEP]
    whole = [[*before, SEP] for length in range(3) for before in product(words, repeat=length)]
    better = 0
    greedy = write_answers(who, of, MARKS, beams=1, longest=3)
    for question in range(QUESTIONS):
        best = max(whole, key=lambda each: by_hand(who, of, question, list(each)))
        assert found[question].tolist()[: len(best)] == list(best)
        better += greedy[question].tolist() != found[question].tolist()
    assert better


@torch.no_grad()
def test_writing_stops_at_the_longest():
    who = decoder()
    who.words.bias[SEP] = -50.0
    found = write_answers(who, memories(who), MARKS, beams=2, longest=4)
    assert found.shape == (QUESTIONS, 4)
    assert not torch.isin(found, torch.tensor([PAD, CLS, SEP, MASK])).any()


@torch.no_grad()
def test_writing_stops_when_all_have_ended():
    who = decoder()
    who.words.bias[SEP] = 50.0
    found = write_answers(who, memories(who), MARKS, beams=1, longest=7)
    assert found.tolist() == [[SEP]] * QUESTIONS


@pytest.fixture
def tokenizer(tmp_path) -> Tokenizer:
    words = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", "don", "'", "t", "know", "##s", "red"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    return from_vocabulary(tmp_path / "vocab.txt")


def test_pieces_are_put_together(tokenizer):
    marks = Marks.of(tokenizer)
    assert marks.end == 2 and marks.barred == {0, 1, 3, 4}
    assert spell([10, 8, 9, 2, 0, 0], tokenizer, marks, {}) == "red knows"
    assert spell([10], tokenizer, marks, {}) == "red"
    assert spell([2, 0], tokenizer, marks, {}) == ""


def test_a_known_answer_is_written_as_it_is_known(tokenizer):
    ids = tokenizer.encode(["don't know"]).ids[0, 1:].tolist()
    known = {tuple(ids): "Don't know"}
    assert spell([*ids, 2], tokenizer, Marks.of(tokenizer), known) == "Don't know"
    assert spell([*ids, 10, 2], tokenizer, Marks.of(tokenizer), known) != "Don't know"
