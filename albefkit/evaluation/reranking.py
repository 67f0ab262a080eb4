"""The second stage of retrieval: the matching head looks at the most similar candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.evaluation.base import Subject
from albefkit.evaluation.galleries import EncodedGallery
from albefkit.tensors import Encoded

PAIRS_PER_ROW = 4
"""Pairs fused at a time, for each row encoded at a time."""

LENGTH_CLASS = 3
"""Texts whose lengths differ by less are padded to one length."""


@dataclass(frozen=True)
class Shortlists:
    """Which candidates of each query are looked at.

    Args:
        texts: `(I, k)` int64, texts for each image.
        images: `(T, k')` int64, images for each text.
    """

    texts: Tensor
    images: Tensor

    def codes(self, of: str, rows: slice) -> Tensor:
        """The shortlisted pairs of some queries as single numbers, `image * T + text`."""
        number = len(self.images)
        if of == "image":
            image = torch.arange(len(self.texts))[rows, None]
            return image * number + self.texts[rows]
        return self.images[rows] * number + torch.arange(number)[rows, None]

    def columns(self, of: str, rows: slice) -> Tensor:
        """The shortlisted candidates of some queries."""
        return self.texts[rows] if of == "image" else self.images[rows]


@dataclass(frozen=True)
class PairScores:
    """What the matching head says about shortlisted pairs, on the host.

    Args:
        shortlists: who was shortlisted.
        codes: `(P,)` int64, sorted: the pairs that were judged.
        scores: `(P,)` float64: higher means a better match.
    """

    shortlists: Shortlists
    codes: Tensor
    scores: Tensor

    def plus(self, table: Tensor) -> PairScores:
        """The same pairs with what a table `(I, T)` on the host says added to each score."""
        number = table.shape[1]
        added = table[self.codes // number, self.codes % number]
        return PairScores(self.shortlists, self.codes, self.scores + added)

    def rows(self, of: str, rows: slice, below: Tensor | None) -> Tensor:
        """Scores of some queries for all candidates, `(Q, C)` float64.

        Shortlisted candidates come first, in the head's order, the others after them in the order
        of `below`, `(Q, C)` similarities between -1 and 1 (None where all are shortlisted).
        """
        codes = self.shortlists.codes(of, rows)
        columns = self.shortlists.columns(of, rows)
        judged = self.scores[torch.searchsorted(self.codes, codes)]
        if below is None:
            return torch.full(codes.shape, -torch.inf).double().scatter(1, columns, judged)
        finite = self.scores[self.scores.isfinite()]
        floor = finite.min() if len(finite) else torch.zeros(()).double()
        return (below.double() + (floor - 2)).scatter(1, columns, judged)


def shortlists(similarity: Tensor, count: int) -> Shortlists:
    """The `count` most similar candidates of each query, or all where there are fewer.

    Args:
        similarity: `(I, T)`.
        count: k.
    """
    images, texts = similarity.shape
    return Shortlists(
        texts=similarity.topk(min(count, texts), dim=1).indices,
        images=similarity.T.topk(min(count, images), dim=1).indices,
    )


def all_pairs(images: int, texts: int) -> Shortlists:
    """Everybody is shortlisted for everybody."""
    return Shortlists(
        texts=torch.arange(texts).expand(images, texts),
        images=torch.arange(images).expand(texts, images),
    )


def judge_pairs(
    subject: Subject, encoded: EncodedGallery, lists: Shortlists, head: str
) -> PairScores:
    """Fuse every shortlisted pair once, whichever direction asks for it, and judge it.

    The score is the raw logit of the head's last class (spec 3.1).
    """
    everything = slice(None)
    codes = torch.cat([lists.codes(of, everything).flatten() for of in ("image", "text")]).unique()
    lengths = _lengths(encoded.text)
    parts = list(_parts(codes, lengths, PAIRS_PER_ROW * subject.batch_size))
    scores, done = [], 0
    for places in parts:
        part = codes[places]
        images, image_index = (part // len(lengths)).unique(return_inverse=True)
        texts, text_index = (part % len(lengths)).unique(return_inverse=True)
        text = _cut(encoded.text.rows(texts.to(subject.device)), int(lengths[texts].max()))
        image = encoded.image.rows(images.to(subject.device))
        pairs = (image_index.to(subject.device), text_index.to(subject.device))
        scores.append(judge(subject, image, text, pairs, head)[:, -1])
        done += len(part)
        subject.progress("pairs judged", done, len(codes))
    judged = torch.empty(len(codes), dtype=torch.float64)
    judged[torch.cat(parts)] = torch.cat(scores).cpu()
    return PairScores(lists, codes, judged)


def judge(
    subject: Subject, image: Encoded, text: Encoded, pairs: tuple[Tensor, Tensor], head: str
) -> Tensor:
    """What a head says of pairs: logits `(P, C)` float64, on the device.

    Args:
        subject: whose fusion and head.
        image: I images.
        text: T texts.
        pairs: `(P,)` rows of `image`, `(P,)` rows of `text`.
        head: the objective whose head judges.
    """
    network = subject.network
    assert network.fusion is not None
    with subject.autocast():
        pooled = network.fusion(image, text, *pairs).pooled
    # Not in half precision: what it rounds to the same score cannot be put in order.
    weight = next(network.heads[head].parameters())
    return network.heads[head](pooled.to(weight.dtype)).double()


def _parts(codes: Tensor, lengths: Tensor, most: int) -> Iterator[Tensor]:
    """Which pairs are fused together, as places in `codes`.

    Texts of about one length, so that little padding is fused; all such texts of an image, so that
    fusion sees it few times; images with about equally many of them, so that attention looks at
    each image for all its texts at once.
    """
    number = len(lengths)
    classes = lengths[codes % number] // LENGTH_CLASS
    group = classes * (int(codes.max()) // number + 1) + codes // number
    groups, member, sizes = group.unique(return_inverse=True, return_counts=True)
    order = ((classes * (len(codes) + 1) + sizes[member]) * len(groups) + member).argsort()
    start = stop = 0
    for size in member[order].unique_consecutive(return_counts=True)[1].tolist():
        if stop > start and stop + size - start > most:
            yield order[start:stop]
            start = stop
        stop += size
        while stop - start > most:
            yield order[start : start + most]
            start += most
    if stop > start:
        yield order[start:stop]


def _lengths(text: Encoded) -> Tensor:
    """`(T,)` on the host: how many tokens of each text are real; padding is on the right."""
    if text.mask is None:
        return torch.full((len(text.tokens),), text.tokens.shape[1])
    return text.mask.sum(1).cpu()


def _cut(text: Encoded, length: int) -> Encoded:
    mask = None if text.mask is None else text.mask[:, :length]
    return Encoded(text.tokens[:, :length], mask, text.pooled)
