"""Is a matching head as often right as it says?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from albefkit.data.base import Split, SplitName
from albefkit.evaluation.base import Evaluator, Result, Subject
from albefkit.evaluation.encoded_items import EncodedItems, encode_items
from albefkit.evaluation.partners import (
    Drawn,
    join,
    match_probabilities,
    own_partners,
    require_head,
    truths,
    wrong_partners,
)
from albefkit.evaluation.sampling import Groups
from albefkit.network import Network
from albefkit.objectives.hard_negatives import Hard
from albefkit.objectives.negatives import Negatives
from albefkit.objectives.random_negatives import Random

COLUMNS = ("probability", "matches", "pairs")


class MatchingCalibration(Evaluator):
    """How well the matching head's probability fits how often pairs match.

    The pairs are those of ITM, one match to two mismatches: each text with its own image, with a
    wrong one, and each image with a wrong text. A wrong partner that the data know to be right
    counts as a match (scenes know). In a recipe: `evaluate: {matching-calibration: {bins: 10}}`.

    Args:
        split: the split the final figures are for; while training goes on it is `val`.
        head: the objective whose head judges pairs; its last class means match.
        bins: parts of equal size that pairs are put into, by probability.
        batch_size: pairs in a batch that wrong partners are drawn from.
        limit: only so many items, the first ones; null: all.
    """

    def __init__(
        self,
        *,
        split: SplitName = "test",
        head: str = "itm",
        bins: Annotated[int, Field(ge=2)] = 15,
        batch_size: Annotated[int, Field(ge=2)] = 32,
        limit: Annotated[int, Field(ge=2)] | None = None,
    ) -> None:
        self.split: SplitName = split
        self.head = head
        self.bins = bins
        self.batch_size = batch_size
        self.limit = limit

    def require(self, network: Network) -> None:
        """Refuse a network that does not judge pairs.

        Raises:
            ComponentError: it has no such head.
        """
        require_head(network, self.head)

    @torch.no_grad()
    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        """Figures of two drawings: `random_...`, wrong partners drawn evenly, which are the same
        pairs whoever is examined, and, where something is aligned, `hard_...`, drawn by similarity.

        `calibration_error`: distance between said and true share of matches, its mean over the
        bins, in points; `brier`: mean squared error, in points; `nats`: mean logarithmic error;
        `accuracy` and, where some pairs match and some do not, `auroc` in percent. `score` is 100
        less the calibration error of random partners. The result's items are the bins: of which
        drawing they are (`drawn`), mean `probability`, share of `matches`, number of `pairs`.
        """
        self.require(subject.network)
        name = split or self.split
        part = subject.dataset.split(name)
        items = encode_items(subject, part, self.limit)
        ways: dict[str, Negatives] = {"random": Random()}
        if items.features is not None:
            ways["hard"] = Hard()
        metrics: dict[str, float] = {}
        chance: dict[str, float] = {}
        samples: dict[str, list[float]] = {}
        bins: dict[str, list[object]] = {name: [] for name in ("drawn", *COLUMNS)}
        images = Groups.by_image(items.batch.image_id.tolist())
        for way, negatives in ways.items():
            pairs, truth = self._pairs(subject, part, items, negatives)
            said = match_probabilities(subject, items, pairs, self.head)
            table = reliability(said, truth, self.bins)
            metrics |= _named(way, _figures(said, truth, table))
            chance |= _named(way, _guessed(float(truth.mean())))
            asked = Groups(images.names, images.of[pairs.asker])
            samples[f"{way}_accuracy"] = asked.figures(100 * _right(said, truth))
            bins["drawn"] += [way] * len(table.pairs)
            for column, values in table.columns().items():
                bins[column] += values
        score = 100 - metrics["random_calibration_error"]
        return Result(name, metrics, score, chance, {}, bins, samples, images.names)

    def _pairs(
        self, subject: Subject, part: Split, items: EncodedItems, negatives: Negatives
    ) -> tuple[Drawn, Tensor]:
        """Right and wrong pairs, and which match: `(P,)`."""
        own = own_partners(items)
        pairs = join([own, *wrong_partners(subject, items, negatives, self.batch_size)])
        paired = (torch.arange(len(pairs)) < len(own)).double()
        known = truths(part, items, pairs)
        return pairs, torch.where(known.isnan(), paired, known)


@dataclass(frozen=True)
class Reliability:
    """What is said and what is so, in bins.

    Args:
        probability: `(b,)`, mean of what is said.
        matches: `(b,)`, share of what is so.
        pairs: `(b,)`, how many there are.
    """

    probability: Tensor
    matches: Tensor
    pairs: Tensor

    def error(self) -> float:
        """Mean distance over all pairs, 0 to 1: the expected calibration error (Naeini 2015)."""
        distance = (self.probability - self.matches).abs()
        return float((distance * self.pairs).sum() / self.pairs.sum())

    def columns(self) -> dict[str, list[object]]:
        """One entry per bin."""
        columns = (self.probability, self.matches, self.pairs)
        return {name: column.tolist() for name, column in zip(COLUMNS, columns, strict=True)}


def reliability(said: Tensor, truth: Tensor, bins: int) -> Reliability:
    """Pairs in order of what is said of them, in parts of about equal size.

    Args:
        said: `(P,)` probabilities.
        truth: `(P,)`, 1 for a match.
        bins: how many parts; fewer where there are fewer pairs.
    """
    # Of whom the same is said, it is chance who comes first: they share what is so.
    same = said.unique(return_inverse=True)[1]
    shared = (torch.bincount(same, truth) / torch.bincount(same))[same]
    parts = said.argsort().tensor_split(min(bins, len(said)))
    return Reliability(
        torch.stack([said[rows].mean() for rows in parts]),
        torch.stack([shared[rows].mean() for rows in parts]),
        torch.tensor([len(rows) for rows in parts]),
    )


def auroc(said: Tensor, truth: Tensor) -> float:
    """How often a match is thought likelier than a pair that is none, ties counting half; there
    have to be some of both.
    """
    order = said.unique(return_inverse=True)[1]
    counts = order.bincount().double()
    rank = (counts.cumsum(0) - (counts - 1) / 2)[order]
    matches, others = float(truth.sum()), float((1 - truth).sum())
    return float((rank[truth == 1].sum() - matches * (matches + 1) / 2) / (matches * others))


def _right(said: Tensor, truth: Tensor) -> Tensor:
    return ((said > 0.5) == (truth > 0.5)).double()


def _figures(said: Tensor, truth: Tensor, table: Reliability) -> dict[str, float]:
    figures = {
        "calibration_error": 100 * table.error(),
        "brier": 100 * float(((said - truth) ** 2).mean()),
        "nats": float(F.binary_cross_entropy(said, truth)),
        "accuracy": 100 * float(_right(said, truth).mean()),
    }
    return figures | ({"auroc": 100 * auroc(said, truth)} if 0 < truth.mean() < 1 else {})


def _guessed(prior: float) -> dict[str, float]:
    """The figures of always saying how many match, `prior` of all."""
    if not 0 < prior < 1:
        return {}
    return {
        "brier": 100 * prior * (1 - prior),
        "nats": -prior * math.log(prior) - (1 - prior) * math.log(1 - prior),
        "accuracy": 100 * max(prior, 1 - prior),
        "auroc": 50.0,
    }


def _named(way: str, figures: dict[str, float]) -> dict[str, float]:
    return {f"{way}_{name}": value for name, value in figures.items()}
