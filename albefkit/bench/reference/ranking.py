"""The released ways of ranking: pairs query by query, answers as whole rows (spec 3.1, 5.3)."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from albefkit.bench.reference.attention import CROSS_MASKED, SELF_MASKED, additive
from albefkit.bench.reference.bert import fusion_layer, word_logits
from albefkit.bench.reference.network import ReleasedNetwork
from albefkit.evaluation.answer_ranking import Ranking
from albefkit.evaluation.galleries import EncodedGallery
from albefkit.layers.answer_decoder import AnswerDecoder
from albefkit.layers.cross_layer import CrossLayer
from albefkit.network import Network
from albefkit.registry.errors import ComponentError
from albefkit.tensors import IGNORED, TextView

UNTOUCHED = -100.0
"""The score of a pair that nobody looked at."""


class ScoreMatrices(NamedTuple):
    """Raw logits of a match, `UNTOUCHED` outside the shortlists.

    Args:
        image_to_text: `(I, T)`.
        text_to_image: `(T, I)`.
    """

    image_to_text: Tensor
    text_to_image: Tensor


@torch.no_grad()
def rerank(
    network: Network, gallery: EncodedGallery, count: int, head: str = "itm"
) -> ScoreMatrices:
    """Judge the `count` most similar candidates of each image, then of each text.

    A query at a time, its own tokens repeated for every candidate; what one direction has judged
    the other judges again.

    Args:
        network: who judges, in evaluation mode.
        gallery: what it has seen.
        count: k, or all where there are fewer.
        head: the objective whose head judges; its last class means match.

    Raises:
        ComponentError: the network is not built as the released one, or nothing is aligned.
    """
    if gallery.image_features is None or gallery.text_features is None:
        raise ComponentError("the released re-ranking begins with similarities, and none are known")
    released, judge = ReleasedNetwork(network), network.heads[head]
    image, text = gallery.image.tokens, gallery.text.tokens
    mask = _mask(gallery)
    similarity = gallery.image_features @ gallery.text_features.T
    by_image = image.new_full(similarity.shape, UNTOUCHED)
    for row, similarities in enumerate(similarity):
        chosen = similarities.topk(min(count, len(text))).indices
        repeated = image[row].repeat(len(chosen), 1, 1)
        fused = released.fuse(text[chosen], mask[chosen], repeated)
        by_image[row, chosen] = judge(fused[:, 0])[:, -1]
    by_text = image.new_full(similarity.T.shape, UNTOUCHED)
    for row, similarities in enumerate(similarity.T):
        chosen = similarities.topk(min(count, len(image))).indices
        own = text[row].repeat(len(chosen), 1, 1), mask[row].repeat(len(chosen), 1)
        fused = released.fuse(*own, image[chosen])
        by_text[row, chosen] = judge(fused[:, 0])[:, -1]
    return ScoreMatrices(by_image, by_text)


@torch.no_grad()
def rank_answers(
    decoder: AnswerDecoder, states: Tensor, mask: Tensor, listed: TextView, count: int
) -> Ranking:
    """Rank answers, the first word's log-probability counted twice.

    The states of a question are repeated for every answer, and every word of every answer meets
    the whole vocabulary.

    Args:
        decoder: who answers, in evaluation mode.
        states: of the questions after fusion, `(Q, N, D)`.
        mask: `(Q, N)` bool, true where a token is real.
        listed: C answers `(C, L)`, [CLS] first and [SEP] last, on the device.
        count: k, how many answers are looked at whole, or all where there are fewer.
    """
    questions, count = len(states), min(count, len(listed.ids))
    start = listed.ids[0, 0].repeat(questions, 1)
    logits = _decode(decoder, start, torch.ones_like(start, dtype=torch.bool), states, mask)
    beginnings = F.softmax(logits[:, 0], dim=1).index_select(1, listed.ids[:, 1])
    first, taken = beginnings.topk(count, dim=1)
    ids = torch.cat([listed.ids.index_select(0, row) for row in taken])
    real = torch.cat([listed.mask.index_select(0, row) for row in taken])
    states, mask = _tile(states, count), _tile(mask, count)
    logits = _decode(decoder, ids, real, states, mask)[:, :-1]
    targets = ids.masked_fill(~real, IGNORED)[:, 1:]
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    losses = losses.view(targets.shape).sum(1)
    scores = torch.stack([first.flatten().log(), -losses], dim=1).sum(1).view(questions, count)
    scores, order = scores.topk(count, dim=1)
    return Ranking(taken.gather(1, order), scores)


def _decode(
    decoder: AnswerDecoder, ids: Tensor, real: Tensor, memory: Tensor, memory_mask: Tensor
) -> Tensor:
    """Logits `(R, L, V)` of the word after each of `(R, L)`, whatever stands there."""
    length = ids.shape[1]
    before = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
    tokens = decoder.embeddings(ids)
    own = additive(real[:, None, :] & before, SELF_MASKED, tokens)
    other = additive(memory_mask, CROSS_MASKED, tokens)
    for layer in decoder.layers:
        tokens = fusion_layer(cast(CrossLayer, layer), tokens, own, memory, other)
    return word_logits(decoder.words, tokens, decoder.embeddings.word_embeddings)


def _tile(rows: Tensor, count: int) -> Tensor:
    """Every row `count` times, one after the other."""
    return rows.repeat_interleave(count, dim=0)


def _mask(gallery: EncodedGallery) -> Tensor:
    mask, tokens = gallery.text.mask, gallery.text.tokens
    return mask if mask is not None else torch.ones_like(tokens[..., 0], dtype=torch.bool)
