"""Negatives: wrong partners for the pairs of a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from albefkit.alignment.space import Similarities
from albefkit.registry import Registrable
from albefkit.tensors import Batch


class Comparing(Protocol):
    """Whoever compares the images and texts of a batch."""

    def similarities(self) -> Similarities:
        """Against candidates of which the first are the batch's own."""
        ...


class Occasion(Protocol):
    """What partners are chosen by: a step of training, or as much of one as an evaluator has."""

    @property
    def batch(self) -> Batch:
        """Whose rows are to get partners."""
        ...

    @property
    def student(self) -> Comparing:
        """Who says how similar they are."""
        ...

    @property
    def device(self) -> torch.device:
        """Where partners are chosen."""
        ...


@dataclass(frozen=True, slots=True)
class WrongPartners:
    """One wrong image for each text and one wrong text for each image of a batch.

    Args:
        image: `(B,)` int64, a row of the image table for each text.
        text: `(B,)` int64, a row of the text table for each image.
        image_found: `(B,)` float, 0 where a text has no legal wrong image.
        text_found: `(B,)` float, 0 where an image has no legal wrong text.
    """

    image: Tensor
    text: Tensor
    image_found: Tensor
    text_found: Tensor


class Negatives(Registrable, ABC, kind="negatives"):
    """Chooses wrong partners."""

    needs: ClassVar[frozenset[str]] = frozenset()
    """Parts of the student that choosing takes: `features`, or nothing."""

    relies_on: ClassVar[Mapping[str, str]] = {}
    """What some objective must train for the choice to mean anything -> what to do otherwise."""

    @abstractmethod
    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        """Choose for the whole batch at once; `generator` is on the host."""


def draw_rows(log_weight: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw one column per row in proportion to `exp(log_weight)`, in one call and without a sync.

    Adding Gumbel noise and taking the best is sampling from the softmax, but cannot fail where
    every probability has underflowed, as drawing from normalised probabilities does.

    Args:
        log_weight: `(B, B)`, minus infinity where a column is not allowed.
        generator: on the host.

    Returns:
        `(B,)` int64 columns, and `(B,)` float, 0 where no column was allowed.
    """
    uniform = torch.rand(log_weight.shape, generator=generator, dtype=torch.float64)
    noise = -torch.log(-torch.log(uniform.clamp_min(1e-300)))
    noise = noise.to(device=log_weight.device, dtype=log_weight.dtype, non_blocking=True)
    allowed = log_weight > -torch.inf
    return (log_weight + noise).argmax(1), allowed.any(1).to(log_weight.dtype)
