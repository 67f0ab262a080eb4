"""The released ways of ranking give the scores of albefkit's own, and of the released code."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from albefkit.alignment.space import NoSpace
from albefkit.assemble import assemble
from albefkit.bench.reference import ranking
from albefkit.data.sampler import Order
from albefkit.evaluation.answer_ranking import rank_answers
from albefkit.evaluation.base import Subject
from albefkit.evaluation.galleries import EncodedGallery
from albefkit.evaluation.reranking import judge_pairs, shortlists
from albefkit.feeding import train_loader
from albefkit.network import Network
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from albefkit.tensors import Encoded, TextView
from tests.bench.sides import MICRO
from tests.evaluation.test_answers import WIDTH, decoder, listed
from tests.golden import test_retrieval_scores, test_vqa
from tests.golden.fine_tuned import EXACT, batch
from tests.golden.released_run import FLOAT32, read, read_json

IMAGES, TEXTS = 7, 12
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@torch.no_grad()
def examined() -> tuple[Network, EncodedGallery]:
    """A small network whose scores lie apart, and what it sees of texts of different lengths."""
    assembly = assemble(load_recipe(MICRO))
    network = assembly.pretrainer.student.eval()
    torch.manual_seed(0)
    for part in network.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=0.5)
    shown = next(train_loader(assembly, Order(1, 64, TEXTS)).batches())
    assert network.vision is not None and network.text is not None
    image: Encoded = network.vision(shown.images[:IMAGES])
    text: Encoded = network.text(shown.text.ids, shown.text.mask)
    features = network.image_features(image), network.text_features(text)
    owner = torch.arange(TEXTS) % IMAGES
    right = owner == torch.arange(IMAGES)[:, None]
    return network, EncodedGallery(image, text, *features, right, owner, [])


def subject(network: Network) -> Subject:
    return Subject(network, NoSpace(), None, None, batch_size=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 3, 100])
def test_both_ways_of_reranking_give_the_same_scores(count):
    network, gallery = examined()
    assert gallery.text.mask is not None and not gallery.text.mask.all()
    found = ranking.rerank(network, gallery, count)
    similarity = gallery.image_features @ gallery.text_features.T
    scores = judge_pairs(subject(network), gallery, shortlists(similarity, count), "itm")
    for of, table in (("image", found.image_to_text), ("text", found.text_to_image)):
        judged = scores.rows(of, slice(None), torch.full(table.shape, -1000.0)).float()
        touched = table != ranking.UNTOUCHED
        assert (touched.sum(1) == min(count, table.shape[1])).all()
        assert torch.equal(judged > ranking.UNTOUCHED, touched)
        torch.testing.assert_close(table[touched], judged[touched], **CLOSE)
    assert found.image_to_text[found.image_to_text != ranking.UNTOUCHED].std() > 0.1


def test_texts_without_a_mask_are_all_real():
    network, gallery = examined()
    real = torch.ones(gallery.text.tokens.shape[:2], dtype=torch.bool)
    tables = [
        ranking.rerank(
            network,
            dataclasses.replace(gallery, text=dataclasses.replace(gallery.text, mask=mask)),
            3,
        )
        for mask in (None, real, gallery.text.mask)
    ]
    assert torch.equal(tables[0].image_to_text, tables[1].image_to_text)
    assert not torch.equal(tables[0].image_to_text, tables[2].image_to_text)


def test_without_similarities_nothing_is_reranked():
    network, gallery = examined()
    with pytest.raises(ComponentError, match="begins with similarities, and none are known"):
        ranking.rerank(network, dataclasses.replace(gallery, image_features=None), 3)


@pytest.mark.parametrize(("rows", "count"), [([0, 1, 2, 3, 4, 5], 6), ([0, 2, 3, 5], 2)])
@torch.no_grad()
def test_both_ways_of_ranking_answers_give_the_same_scores(rows, count):
    who = decoder().float()  # which also seeds what follows
    states, mask = torch.randn(5, 4, WIDTH), torch.ones(5, 4, dtype=torch.bool)
    mask[1, 2:] = False
    answers = TextView(listed().ids[rows], listed().mask[rows])
    found = ranking.rank_answers(who, states, mask, answers, count)
    own = rank_answers(who, who.remember(states, mask), answers, count, double_count=True)
    assert torch.equal(found.answers, own.answers)
    torch.testing.assert_close(found.scores, own.scores, **CLOSE)


@pytest.mark.parametrize("case", test_retrieval_scores.case_dirs("retrieval_eval"), ids=str)
@torch.no_grad()
def test_scores_of_the_released_evaluation(case, tmp_path):
    network = test_retrieval_scores.examined(case, tmp_path).student
    inputs, expected, meta = read(case, "inputs"), read(case, "out"), read_json(case, "meta")
    image = network.vision(inputs["image"].float())
    text = network.text(inputs["input_ids"], inputs["attention_mask"].bool())
    features = network.image_features(image), network.text_features(text)
    nobody = torch.zeros(0, dtype=torch.int64)
    gallery = EncodedGallery(image, text, *features, nobody, nobody, [])
    found = ranking.rerank(network, gallery, meta["k_test"])
    torch.testing.assert_close(found.image_to_text, expected["score_i2t"], **FLOAT32)
    torch.testing.assert_close(found.text_to_image, expected["score_t2i"], **FLOAT32)


@test_vqa.width_cases
@torch.no_grad()
def test_a_closed_list_of_the_released_evaluation(case, tmp_path):
    expected, inputs = read(case, "expected"), read(case, "inputs")
    network = test_vqa.wide(case, tmp_path, None).eval().student
    ids, mask = (inputs[f"rank.question_{name}"] for name in ("input_ids", "attention_mask"))
    shown = batch(inputs["rank.image"], ids, mask, torch.float64)
    answers = TextView(inputs["rank.answer_input_ids"], inputs["rank.answer_attention_mask"].bool())
    text, rows = network.text(ids, mask.bool()), torch.arange(len(ids))
    states = network.fusion(network.vision(shown.images), text, rows, rows).text_tokens
    count = expected["rank.topk_ids"].shape[1]
    found = ranking.rank_answers(network.heads["answer"], states, mask.bool(), answers, count)
    shares = found.scores.softmax(1)
    torch.testing.assert_close(shares, expected["rank.topk_probs"], **EXACT)
    # Two answers of the list are the same words.
    assert torch.equal(answers.ids[found.answers], answers.ids[expected["rank.topk_ids"]])
