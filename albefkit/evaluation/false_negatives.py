"""How often a hard negative truly matches."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from albefkit.data.base import Split, SplitName
from albefkit.evaluation.base import Evaluator, Result, Subject
from albefkit.evaluation.encoded_items import EncodedItems, encode_items
from albefkit.evaluation.partners import (
    Drawn,
    alike,
    join,
    match_probabilities,
    require_comparable,
    truths,
    wrong_partners,
)
from albefkit.evaluation.sampling import Groups
from albefkit.network import Network
from albefkit.objectives.negatives import Negatives
from albefkit.objectives.random_negatives import Random
from albefkit.registry import default
from albefkit.registry.errors import AlbefkitWarning


class FalseNegatives(Evaluator):
    """How many of the wrong partners that ITM would draw are right after all.

    The more similar a partner, the likelier it is drawn as a hard negative (paper section 3.2), and
    the likelier it truly matches: then ITM is taught what is wrong. Data that know of which
    pictures a text is true (scenes) tell how often. In a recipe: `evaluate: {false-negatives: {}}`.

    Args:
        split: the split the final figures are for; while training goes on it is `val`.
        negatives: how partners are drawn, as in the objective.
        batch_size: pairs in a batch that partners are drawn from, as in training.
        epochs: how often everyone gets partners, each time in other batches.
        head: the objective whose head is asked what it makes of them, where there is one.
        limit: only so many items, the first ones; null: all.
    """

    def __init__(
        self,
        *,
        split: SplitName = "test",
        negatives: Negatives = default("hard"),
        batch_size: Annotated[int, Field(ge=2)] = 32,
        epochs: Annotated[int, Field(ge=1)] = 4,
        head: str = "itm",
        limit: Annotated[int, Field(ge=2)] | None = None,
    ) -> None:
        self.split: SplitName = split
        self.negatives = negatives
        self.batch_size = batch_size
        self.epochs = epochs
        self.head = head
        self.limit = limit

    def require(self, network: Network) -> None:
        """Refuse a network that compares nothing where partners are drawn by similarity.

        Raises:
            ComponentError: nothing is aligned.
        """
        require_comparable(network, self.negatives)

    @torch.no_grad()
    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        """Percent of the drawn partners that truly match: `drawn`, of which `drawn_images` for
        texts and `drawn_texts` for images; `random...`: of partners drawn evenly.

        `known`: percent of drawn pairs of which the truth is known; the others do not count. Where
        none is, equal images and equal words are all that can be found, and a warning says so.
        `believed`: percent of the right partners that the head calls a match; `mistaken`: the same
        of truly wrong ones. `score`: percent drawn that do not match. The result's items are the
        right partners: places in the split of the `image` and of the `text`, its `words`, and the
        probability of a `match` as the head says it.
        """
        self.require(subject.network)
        name = split or self.split
        part = subject.dataset.split(name)
        items = encode_items(subject, part, self.limit)
        drawn = self._audit(subject, part, items, self.negatives)
        evenly = self._audit(subject, part, items, Random())
        if not drawn.known:
            _say_what_is_not_known(subject)
        metrics = drawn.shares("drawn") | evenly.shares("random")
        metrics["known"] = 100 * float(drawn.told.double().mean()) if drawn.known else 0.0
        said = None
        if self.head in subject.network.heads:
            said = match_probabilities(subject, items, drawn.pairs, self.head)
            metrics |= drawn.called(said)
        groups = Groups.by_image(items.batch.image_id.tolist())
        asked = Groups(groups.names, groups.of[drawn.pairs.asker[drawn.told]])
        return Result(
            split=name,
            metrics=metrics,
            score=100 - metrics["drawn"],
            items=drawn.found(items, said),
            samples={"drawn": asked.figures(100 * drawn.truth[drawn.told])},
            sampled=groups.names,
        )

    def _audit(
        self, subject: Subject, part: Split, items: EncodedItems, negatives: Negatives
    ) -> _Audit:
        epochs = [
            wrong_partners(subject, items, negatives, self.batch_size, epoch)
            for epoch in range(self.epochs)
        ]
        images = join([image for image, _ in epochs])
        pairs = join([images, *(text for _, text in epochs)])
        truth = truths(part, items, pairs)
        known = not bool(truth.isnan().all())
        return _Audit(pairs, len(images), truth if known else alike(items, pairs), known)


@dataclass(frozen=True)
class _Audit:
    """What became of some drawing.

    Args:
        pairs: P pairs, first those of texts with wrong images.
        images: how many these are.
        truth: `(P,)`, 1 where a pair matches, NaN where nobody knows.
        known: whether that is the truth; else it is what can be seen without knowing it.
    """

    pairs: Drawn
    images: int
    truth: Tensor
    known: bool

    @property
    def told(self) -> Tensor:
        """`(P,)` bool, of which pairs the truth is told."""
        return ~self.truth.isnan()

    def shares(self, way: str) -> dict[str, float]:
        """Percent of all, of the images and of the texts that match."""
        parts = {"": self.truth, "_images": self.truth[: self.images]}
        parts["_texts"] = self.truth[self.images :]
        return {
            f"{way}{part}": 100 * float(truth.nanmean())
            for part, truth in parts.items()
            if not truth.isnan().all()
        }

    def called(self, said: Tensor) -> dict[str, float]:
        """Percent that a head calls a match, of those that are and of those that are not."""
        parts = {"believed": said[self.truth == 1], "mistaken": said[self.truth == 0]}
        return {
            name: 100 * float((part > 0.5).double().mean())
            for name, part in parts.items()
            if len(part)
        }

    def found(self, items: EncodedItems, said: Tensor | None) -> dict[str, list[object]]:
        """The pairs that match."""
        right = self.truth == 1
        pairs = self.pairs.only(right)
        found: dict[str, list[object]] = {
            "image": [items.indices[row] for row in pairs.image.tolist()],
            "text": [items.indices[row] for row in pairs.text.tolist()],
            "words": [items.texts[row] for row in pairs.text.tolist()],
        }
        if said is not None:
            found["match"] = said[right].tolist()
        return found


def _say_what_is_not_known(subject: Subject) -> None:
    kind = type(subject.dataset).__name__
    warnings.warn(
        f"nobody knows which texts of {kind} are true of which pictures: among the partners only "
        "equal images and equal words are found, so more may be right",
        AlbefkitWarning,
        stacklevel=3,
    )
