"""The released two-stage evaluation: encodings, similarities and matching scores (spec 3.1)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from albefkit.alignment.space import NoSpace
from albefkit.engine.pretrainer import Pretrainer
from albefkit.evaluation.base import Subject
from albefkit.evaluation.galleries import EncodedGallery
from albefkit.evaluation.reranking import judge_pairs, shortlists
from albefkit.interop.released import from_released
from tests.golden.cases import case_dirs, case_name
from tests.golden.released_run import (
    FLOAT32,
    FUSION_FROM,
    Sizes,
    build,
    read,
    read_json,
    released_state,
)

SIZES = Sizes(vision_width=64, text_width=64, feed_forward=256, positions=64, shared_width=32)
UNTOUCHED = -100.0


def examined(case: Path, folder: Path) -> Pretrainer:
    """A pre-training network with the weights of the retrieval task, which has no MLM head."""
    before = case.parent / case.name.replace("retrieval_eval", "pretrain")
    pretrainer = build(folder, SIZES, released_state(before), torch.float32)
    weights = from_released(released_state(case), fusion_from=FUSION_FROM)
    _, unexpected = pretrainer.load_state_dict(weights, strict=False)
    assert set(unexpected) <= {"space.keys.image_id", "space.keys.text_id"}
    return pretrainer.eval()


@pytest.mark.parametrize("case", case_dirs("retrieval_eval"), ids=case_name)
@torch.no_grad()
def test_scores_of_the_released_evaluation(case, tmp_path):
    network = examined(case, tmp_path).student
    inputs, expected, meta = read(case, "inputs"), read(case, "out"), read_json(case, "meta")
    image = network.vision(inputs["image"].float())
    text = network.text(inputs["input_ids"], inputs["attention_mask"].bool())
    features = network.image_features(image), network.text_features(text)
    similarity = features[0] @ features[1].T
    torch.testing.assert_close(features[0], expected["image_embeds"], **FLOAT32)
    torch.testing.assert_close(features[1], expected["text_embeds"], **FLOAT32)
    torch.testing.assert_close(similarity, expected["sims"], **FLOAT32)

    owner = torch.tensor([meta["txt2img"][str(row)] for row in range(len(text.tokens))])
    right = owner == torch.arange(len(image.tokens))[:, None]
    gallery = EncodedGallery(image, text, *features, right, owner, [])
    lists = shortlists(similarity, meta["k_test"])
    who = Subject(network, NoSpace(), None, None, batch_size=2)  # type: ignore[arg-type]
    scores = judge_pairs(who, gallery, lists, "itm")
    for of, name in (("image", "score_i2t"), ("text", "score_t2i")):
        table = expected[name]
        judged = scores.rows(of, slice(None), torch.full(table.shape, 10 * UNTOUCHED)).float()
        touched = table != UNTOUCHED
        assert torch.equal(judged > UNTOUCHED, touched)
        torch.testing.assert_close(judged[touched], table[touched], **FLOAT32)
