"""The second stage of retrieval: the matching head looks at the most similar candidates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.evaluation.base import Subject
from albefkit.evaluation.galleries import EncodedGallery

PAIRS_PER_ROW = 4
"""Pairs fused at a time, for each row encoded at a time."""


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
        return (below + (floor - 2)).scatter(1, columns, judged)


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
    network, device = subject.network, subject.device
    assert network.fusion is not None
    everything = slice(None)
    codes = torch.cat([lists.codes(of, everything).flatten() for of in ("image", "text")]).unique()
    scores = []
    # Sorted codes keep the pairs of an image together, so that fusion sees each image few times.
    for part in codes.split(PAIRS_PER_ROW * subject.batch_size):
        images, image_index = (part // len(lists.images)).unique(return_inverse=True)
        texts, text_index = (part % len(lists.images)).unique(return_inverse=True)
        with subject.autocast():
            fused = network.fusion(
                encoded.image.rows(images.to(device)),
                encoded.text.rows(texts.to(device)),
                image_index.to(device),
                text_index.to(device),
            )
        # Not in half precision: what it rounds to the same score cannot be put in order.
        pooled = fused.pooled.to(next(network.heads[head].parameters()).dtype)
        scores.append(network.heads[head](pooled)[:, -1].double())
    return PairScores(lists, codes, torch.cat(scores).cpu())
