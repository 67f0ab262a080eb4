"""Retrieval: which text belongs to this image, and which image to this text?"""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from albefkit.alignment.space import NoSpace, Space
from albefkit.data.base import SplitName
from albefkit.evaluation.base import Evaluator, Result, Subject
from albefkit.evaluation.galleries import EncodedGallery, encode_gallery
from albefkit.evaluation.information import contrastive_bound
from albefkit.evaluation.recall import CUTS, chance_recalls, mean_recall, ranks, recalls
from albefkit.evaluation.reranking import PairScores, all_pairs, judge_pairs, shortlists
from albefkit.evaluation.sampling import Groups
from albefkit.registry.errors import AlbefkitWarning, ComponentError

ALL_PAIRS = 250_000
"""Where nothing is aligned every pair is fused: so many at most."""

ROWS = 256
"""Queries ranked at a time."""


class Retrieval(Evaluator):
    """Recall of texts by images and of images by texts, in two stages (spec 3.1).

    First by similarity in the shared space (`itc_...`); then the matching head looks at the
    `rerank` most similar candidates of each query, which come before all others, in its order.
    Without a matching head the first stage is all there is; without a shared space the head judges
    every pair. A text that says the same as one of an image's own is right for it.

    Args:
        split: the split the final figures are for; while training goes on it is `val`.
        rerank: k, candidates per query that the matching head judges; 0: none.
        head: the objective whose head judges pairs; its last class means match.
        gallery: use only so many images, the first ones; null: all.
        similarity_weight: w, where the score of a candidate is the head's raw logit for a match
            and w times the similarity over the temperature; 0 as released. Where hard negatives
            were drawn by similarity, the head has learnt on pairs that similarity confuses.
    """

    def __init__(
        self,
        *,
        split: SplitName = "test",
        rerank: int = 128,
        head: str = "itm",
        gallery: int | None = None,
        similarity_weight: float = 0.0,
    ) -> None:
        if rerank < 0:
            raise ValueError(f"rerank is {rerank}, expected 0 or more")
        if gallery is not None and gallery < 1:
            raise ValueError(f"gallery is {gallery}, expected 1 or more, or null")
        self.split: SplitName = split
        self.rerank = rerank
        self.head = head
        self.gallery = gallery
        self.similarity_weight = similarity_weight

    @torch.no_grad()
    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        """Recalls at 1, 5 and 10 both ways, `text_r1` being image to text."""
        network = subject.network
        aligned = network.image_projection is not None
        judged = self.rerank > 0 and self.head in network.heads and network.fusion is not None
        if not aligned and not judged:
            raise ComponentError(
                f"retrieval needs a shared space (alignment) or a head '{self.head}' to judge pairs"
                f" with rerank above 0, and this network has neither"
            )
        gallery = subject.dataset.split(split or self.split).gallery()
        limit = (
            self.gallery if aligned else _affordable(len(gallery), len(gallery.texts), self.gallery)
        )
        encoded = encode_gallery(subject, gallery, limit)
        similarity = _similarity(encoded)
        stages: dict[str, tuple[Tensor, Tensor]] = {}
        if similarity is not None:
            stages["itc_"] = both_ranks(similarity, None, encoded.right)
        if judged:
            pairs = (
                all_pairs(*encoded.right.shape)
                if similarity is None
                else shortlists(similarity, self.rerank)
            )
            scores = judge_pairs(subject, encoded, pairs, self.head)
            if similarity is not None and isinstance(subject.space, Space):
                temperature = float(subject.space.temperature)
                scores = scores.plus(self.similarity_weight / temperature * similarity.double())
            stages[""] = both_ranks(similarity, scores, encoded.right)
        else:
            stages[""] = stages["itc_"]
        bounds = _bounds(subject.space, encoded, similarity)
        return _result(split or self.split, encoded, stages, bounds)


def both_ranks(
    similarity: Tensor | None, scores: PairScores | None, right: Tensor
) -> tuple[Tensor, Tensor]:
    """Rank of each image's best right text, and of each text's best right image.

    Args:
        similarity: `(I, T)` on the host, or None where every pair was judged.
        scores: what the matching head says, or None for similarity alone.
        right: `(I, T)` bool.
    """
    images, texts = right.shape
    found = []
    for queries, of in ((images, "image"), (texts, "text")):
        parts = []
        for start in range(0, queries, ROWS):
            rows = slice(start, min(queries, start + ROWS))
            below = None
            if similarity is not None:
                below = (similarity[rows] if of == "image" else similarity[:, rows].T).double()
            ordered = below if scores is None else scores.rows(of, rows, below)
            assert ordered is not None
            parts.append(ranks(ordered, right[rows] if of == "image" else right[:, rows].T))
        found.append(torch.cat(parts))
    return found[0], found[1]


def _similarity(encoded: EncodedGallery) -> Tensor | None:
    if encoded.image_features is None or encoded.text_features is None:
        return None
    return (encoded.image_features @ encoded.text_features.T).cpu()


def _affordable(images: int, texts: int, wanted: int | None) -> int:
    """How many images may be used where every pair is judged."""
    per_image = max(1.0, texts / max(1, images))
    affordable = max(1, math.isqrt(int(ALL_PAIRS / per_image)))
    if (wanted or images) <= affordable:
        return wanted or images
    warnings.warn(
        f"nothing is aligned, so every pair is fused: the gallery is cut to its first {affordable} "
        f"of {images} images. These recalls compare only with those of a gallery of that size.",
        AlbefkitWarning,
        stacklevel=3,
    )
    return affordable


def _bounds(
    space: Space | NoSpace, encoded: EncodedGallery, similarity: Tensor | None
) -> dict[str, float]:
    """What an image and one of its texts tell about each other, among the whole gallery."""
    if similarity is None or isinstance(space, NoSpace):
        return {}
    images = torch.arange(len(encoded.names))
    has_text = torch.isin(images, encoded.owner)
    order = encoded.owner.argsort(stable=True)
    texts = order[torch.searchsorted(encoded.owner[order], images[has_text])]
    logits = similarity[has_text][:, texts] / space.temperature.detach().cpu()
    partner = torch.arange(len(texts))
    return {
        "image_to_text": contrastive_bound(logits, partner),
        "text_to_image": contrastive_bound(logits.T, partner),
    }


def _result(
    split: str,
    encoded: EncodedGallery,
    stages: dict[str, tuple[Tensor, Tensor]],
    bounds: dict[str, float],
) -> Result:
    metrics: dict[str, float] = {}
    samples: dict[str, list[float]] = {}
    items: dict[str, list[object]] = {
        "images": list(encoded.names),
        "owner": encoded.owner.tolist(),
    }
    for prefix, (text_ranks, image_ranks) in sorted(stages.items()):
        metrics |= recalls(text_ranks, f"{prefix}text") | recalls(image_ranks, f"{prefix}image")
        metrics[f"{prefix}r_mean"] = mean_recall(metrics, prefix)
        items[f"{prefix}text_rank"] = text_ranks.tolist()
        items[f"{prefix}image_rank"] = image_ranks.tolist()
        found = _samples(text_ranks, image_ranks, Groups(encoded.names, encoded.owner))
        samples |= {f"{prefix}{name}": figures for name, figures in found.items()}
    images, texts = encoded.right.shape
    guessed = chance_recalls(encoded.right.sum(1), texts, "text")
    guessed |= chance_recalls(encoded.right.sum(0), images, "image")
    guessed["r_mean"] = mean_recall(guessed)
    chance = {f"{prefix}{name}": value for prefix in stages for name, value in guessed.items()}
    score = metrics["r_mean"]
    return Result(split, metrics, score, chance, bounds, items, samples, list(encoded.names))


def _samples(text_ranks: Tensor, image_ranks: Tensor, captions: Groups) -> dict[str, list[float]]:
    """Recalls image by image: the captions of an image are not independent.

    Args:
        text_ranks: `(I,)`.
        image_ranks: `(T,)`.
        captions: the image of each text.
    """
    found = {f"text_r{cut}": (100 * (text_ranks < cut).double()).tolist() for cut in CUTS}
    for cut in CUTS:
        found[f"image_r{cut}"] = captions.figures(100 * (image_ranks < cut).double())
    found["r_mean"] = torch.tensor(list(found.values()), dtype=torch.float64).mean(0).tolist()
    return found
