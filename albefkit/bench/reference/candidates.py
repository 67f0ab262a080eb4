"""What a batch's features are compared with, laid out as in the released code (spec 2)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from albefkit.alignment.in_batch import InBatch
from albefkit.alignment.keys import Keys
from albefkit.alignment.matching import Positives
from albefkit.alignment.momentum_queue import MomentumQueue
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Batch


class Features(NamedTuple):
    """What one network says of a batch in the shared space, each `(B, E)`."""

    image: Tensor
    text: Tensor


class Candidates(NamedTuple):
    """K images and K texts in columns, the batch's own first.

    Args:
        image: `(E, K)`.
        text: `(E, K)`.
        image_id: `(1, K)` int64.
        text_id: `(1, K)` int64.
    """

    image: Tensor
    text: Tensor
    image_id: Tensor
    text_id: Tensor


class Source(Protocol):
    """Where candidates come from."""

    def candidates(
        self, student: Features, teacher: Features, batch: Batch
    ) -> tuple[Candidates, Candidates]:
        """What the student chooses from, and what its teacher does."""
        ...

    def remember(self, teacher: Features, batch: Batch) -> None:
        """Keep what later steps will choose from."""
        ...


class OwnBatch:
    """The batch is its own set of candidates (not in the released code: albef_tiny's choice)."""

    def candidates(
        self, student: Features, teacher: Features, batch: Batch
    ) -> tuple[Candidates, Candidates]:
        """Seen by whoever chooses, the student's with a gradient."""
        ids = batch.image_id[None], batch.text_id[None]
        return (
            Candidates(student.image.t(), student.text.t(), *ids),
            Candidates(teacher.image.t(), teacher.text.t(), *ids),
        )

    def remember(self, teacher: Features, batch: Batch) -> None:
        """Nothing is kept."""


class Queue:
    """The teacher's features of this batch, then the whole queue, copied for every step.

    Args:
        keys: whose content it begins with.
    """

    def __init__(self, keys: MomentumQueue) -> None:
        self.image = keys.image_queue.t().contiguous()
        self.text = keys.text_queue.t().contiguous()
        self.image_id = keys.image_id[None].clone()
        self.text_id = keys.text_id[None].clone()
        self.pointer = int(keys.pointer)

    def candidates(
        self, student: Features, teacher: Features, batch: Batch
    ) -> tuple[Candidates, Candidates]:
        """The same for both."""
        found = Candidates(
            torch.cat([teacher.image.t(), self.image.clone().detach()], dim=1),
            torch.cat([teacher.text.t(), self.text.clone().detach()], dim=1),
            torch.cat([batch.image_id[None], self.image_id.clone().detach()], dim=1),
            torch.cat([batch.text_id[None], self.text_id.clone().detach()], dim=1),
        )
        return found, found

    def remember(self, teacher: Features, batch: Batch) -> None:
        """Write the batch over the oldest columns.

        Raises:
            ComponentError: batches do not fill the queue evenly (spec 2.1, item 8).
        """
        rows, size = len(batch), self.image.shape[1]
        if size % rows:
            message = f"is {size}, which batches of {rows} do not fill evenly, as released."
            hint = f"--set alignment.keys.size={max(1, size // rows) * rows}"
            raise ComponentError(Problem("", "alignment.keys.size", message, hint))
        columns = slice(self.pointer, self.pointer + rows)
        self.image[:, columns] = teacher.image.t()
        self.text[:, columns] = teacher.text.t()
        self.image_id[:, columns] = batch.image_id
        self.text_id[:, columns] = batch.text_id
        self.pointer = (self.pointer + rows) % size


def source_of(keys: Keys) -> Source:
    """A source of candidates for keys of albefkit."""
    if isinstance(keys, MomentumQueue):
        return Queue(keys)
    assert isinstance(keys, InBatch)
    return OwnBatch()


def same(how_far: Positives, batch: Batch, image_id: Tensor, text_id: Tensor) -> Tensor:
    """Which of K candidates `(1, K)` are the same as a row of the batch, `(B, K)` bool."""
    matching = torch.zeros(len(batch), image_id.shape[1], dtype=torch.bool, device=image_id.device)
    matching.fill_diagonal_(True)
    if how_far in ("image", "image-or-text"):
        matching = matching | torch.eq(batch.image_id.view(-1, 1), image_id)
    if how_far == "image-or-text":
        matching = matching | torch.eq(batch.text_id.view(-1, 1), text_id)
    return matching
