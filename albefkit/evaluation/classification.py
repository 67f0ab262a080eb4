"""Classification: which class does a text with its images belong to?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from albefkit.data.base import SplitName
from albefkit.evaluation.base import Evaluator, Result, Subject
from albefkit.evaluation.fused_items import FusedItems, fused_items
from albefkit.evaluation.sampling import Groups
from albefkit.registry.errors import ComponentError, DataError
from albefkit.tensors import IGNORED

FEW = 10
"""So many classes at most are reported one by one."""


class Classify(Evaluator):
    """Accuracy of a classifier of fused pairs, beside what the commonest class alone would reach.

    Args:
        split: the split the final figures are for; while training goes on it is `val`.
        head: the objective whose head classifies.
        limit: only so many items, the first ones; null: all.
    """

    def __init__(
        self,
        *,
        split: SplitName = "test",
        head: str = "classification",
        limit: Annotated[int, Field(ge=1)] | None = None,
    ) -> None:
        self.split: SplitName = split
        self.head = head
        self.limit = limit

    @torch.no_grad()
    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        """Accuracy in percent, in all and of each class where there are few, and `majority`, that
        of answering always the commonest class of the items seen.

        A label that is none of the classes cannot be found and counts as missed; items without a
        label are classified, but not scored, and where none has any there are no metrics. The
        result's items: `index` in the split, `label`, `prediction` and the `probability` given to
        the label; where classes are few also `classes` and `confusion`, a row of predictions
        counted for each label.
        """
        name = split or self.split
        found = _Found(subject.dataset.classes, [], [], [], [])
        for some in fused_items(subject, subject.dataset.split(name), self.limit):
            found.add(some, self._judge(subject, some))
        if not found.indices:
            raise DataError(f"the split '{name}' has no items to classify")
        return found.result(name)

    def _judge(self, subject: Subject, some: FusedItems) -> Tensor:
        """Probabilities of the classes, `(b, C)`, on the host."""
        network, count = subject.network, len(subject.dataset.classes)
        if self.head not in network.heads:
            heads = ", ".join(network.heads) or "none"
            raise ComponentError(
                f"classification needs a head '{self.head}', and this network's are: {heads}"
            )
        with subject.autocast():
            logits = network.heads[self.head](some.fused.pooled)
        if logits.shape[1] != count:
            raise ComponentError(
                f"the head tells {logits.shape[1]} classes apart, and the data have {count}"
            )
        return logits.double().softmax(1).cpu()


@dataclass(frozen=True)
class _Found:
    """What is known of the items so far.

    Args:
        classes: C names.
        indices: where in the split each item is.
        images: the number of each item's image.
        labels: number of the class, `IGNORED` for none of them, None where nobody says.
        shares: probabilities of the classes, `(b, C)` for each batch.
    """

    classes: tuple[str, ...]
    indices: list[int]
    images: list[int]
    labels: list[int | None]
    shares: list[Tensor]

    def add(self, some: FusedItems, shares: Tensor) -> None:
        """Count some items in."""
        self.indices.extend(some.indices)
        self.images.extend(item.image_id for item in some.items)
        self.labels.extend(item.fields.get("label") for item in some.items)
        self.shares.append(shares)

    def result(self, split: str) -> Result:
        """What it comes to."""
        classes, shares = self.classes, torch.cat(self.shares)
        answers = shares.argmax(1)
        items: dict[str, list[object]] = {
            "index": list(self.indices),
            "label": [
                None if label in (None, IGNORED) else classes[label] for label in self.labels
            ],
            "prediction": [classes[answer] for answer in answers.tolist()],
            "probability": [
                _probability(label, row) for label, row in zip(self.labels, shares, strict=True)
            ],
        }
        given = [row for row, label in enumerate(self.labels) if label is not None]
        if not given:
            return Result(split, {}, 0.0, items=items)
        labels, answers = torch.tensor([self.labels[row] for row in given]), answers[given]
        hits = 100 * (answers == labels).double()
        metrics = {"accuracy": hits.mean().item()}
        groups = Groups.by_image([self.images[row] for row in given])
        samples = {"accuracy": groups.figures(hits)}
        listed = labels != IGNORED
        if len(classes) <= FEW:
            table = _confusion(labels[listed], answers[listed], len(classes))
            metrics |= _per_class(table, classes)
            for number in labels[listed].unique().tolist():
                rows = labels == number
                samples[f"accuracy_{classes[number]}"] = groups.figures(hits[rows], rows)
            items |= {"classes": list(classes), "confusion": table.tolist()}
        chance = dict.fromkeys(metrics, 100 / len(classes))
        support = torch.bincount(labels[listed], minlength=len(classes))
        metrics["majority"] = 100 * support.max().item() / len(given)
        score = metrics["accuracy"]
        return Result(split, metrics, score, chance, {}, items, samples, groups.names)


def _probability(label: int | None, shares: Tensor) -> float | None:
    """What is given to a label: nothing where it is none of the classes."""
    if label is None:
        return None
    return 0.0 if label == IGNORED else shares[label].item()


def _confusion(labels: Tensor, answers: Tensor, count: int) -> Tensor:
    """How often each label was answered with each class, `(C, C)`."""
    return torch.bincount(count * labels + answers, minlength=count**2).unflatten(0, (count, count))


def _per_class(table: Tensor, classes: tuple[str, ...]) -> dict[str, float]:
    """Accuracy of each class that occurs, in percent."""
    support = table.sum(1).tolist()
    right = table.diagonal().tolist()
    return {
        f"accuracy_{name}": 100 * found / seen
        for name, found, seen in zip(classes, right, support, strict=True)
        if seen
    }
