"""Hiding regions, for objectives that ask what was there."""

from __future__ import annotations

import math
from abc import ABC
from typing import TYPE_CHECKING, Annotated, NamedTuple

import torch
from albefkit.objectives.base import Objective
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import IGNORED, ImageView, Pairs
from pydantic import Field
from torch import Tensor

from albefkit_detector.encoder import RegionEncoder

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network

Probability = Annotated[float, Field(gt=0, le=1)]

_NEVER = 2.0
"""More than any random number that a real region draws."""


class Hidden(NamedTuple):
    """Where K regions are hidden, and what fusion made of what was left.

    Args:
        row: `(K,)` int64, of the batch.
        column: `(K,)` int64, of the picture's regions.
        weight: `(K,)` float, 0 where nothing is hidden.
        tokens: `(K, D)`, fused.
    """

    row: Tensor
    column: Tensor
    weight: Tensor
    tokens: Tensor


class MaskedRegions(Objective, ABC):
    """What is hidden in this region, given the words and the other regions?

    UNITER section 3.2: each region is hidden with some probability, and at least one of each
    picture; its features become zero, and its place stays. The words are all shown.

    Args:
        probability: share of the regions hidden, more than 0, at most 1.
    """

    reads = frozenset({"fused"})
    distillable = True

    def __init__(self, name: str, *, probability: Probability = 0.15) -> None:
        super().__init__(name)
        self.probability = probability

    def regions_of(self, network: Network) -> RegionEncoder:
        """The network's encoder of regions.

        Raises:
            ComponentError: it has another one.
        """
        if not isinstance(network.vision, RegionEncoder):
            message = f"hides regions, and {type(network.vision).__name__} reads something else"
            hint = "Say 'type: regions' under 'model.vision' and under 'data'."
            raise ComponentError(Problem("", f"objectives.{self.name}", message, hint))
        return network.vision

    def image_view(self, step: Step) -> ImageView:
        """The batch's pictures with regions hidden; the labels are where, or `IGNORED`."""
        regions, boxes, mask = (
            step.batch.read(name) for name in self.regions_of(step.student.network).reads
        )
        hidden, places = draw_hidden(mask, self.probability, step.generator(self.name))
        shown = regions.masked_fill(hidden[..., None], 0.0)
        return ImageView((shown, boxes, mask), labels=places)

    def pairs(self, step: Step) -> Pairs:
        """Each picture with regions hidden, with its own text."""
        own = torch.arange(len(step.batch), device=step.device)
        return Pairs(image=own, text=own, image_view=self.name)

    def hidden(self, step: Step, who: ForwardPass) -> Hidden:
        """Where regions are hidden, and what is known there.

        Raises:
            ComponentError: fusion does not touch image tokens.
        """
        places = step.image_views[self.name].labels
        tokens = who.fused(self.name).image_tokens
        assert places is not None
        if tokens is None:
            message = f"asks for fused regions, and {type(who.network.fusion).__name__} gives none"
            hint = "Take 'model.fusion: joint' or 'co-attention'."
            raise ComponentError(Problem("", f"objectives.{self.name}", message, hint))
        place = places.clamp(min=0)
        row, column = place // tokens.shape[1], place % tokens.shape[1]
        return Hidden(row, column, (places != IGNORED).float(), tokens[row, column])


def draw_hidden(
    mask: Tensor, probability: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw which regions to hide, at least one of each picture that has any.

    How many are hidden is known on the device alone. So that nobody waits for it, there are as many
    places as are hidden once in thousands of batches, and most of them say `IGNORED`.

    Args:
        mask: `(B, N)` bool, true where a region is real.
        probability: share of the regions hidden.
        generator: on the host.

    Returns:
        `(B, N)` bool, true where a region is hidden; `(K,)` int64, the hidden ones as places in the
        flattened table, or `IGNORED`.
    """
    draws = torch.rand(mask.shape, generator=generator).to(mask.device, non_blocking=True)
    draws = draws.masked_fill(~mask, _NEVER)
    hidden = mask & ((draws < probability) | (draws == draws.amin(1, keepdim=True)))
    count = min(mask.numel(), len(mask) + math.ceil(probability * mask.numel()))
    places = draws.masked_fill(~hidden, _NEVER).flatten().topk(count, largest=False).indices
    return hidden, places.where(hidden.flatten()[places], IGNORED)
