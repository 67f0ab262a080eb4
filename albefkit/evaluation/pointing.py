"""How well maps point at what a text refers to: measures of one item, and figures of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from albefkit.data.base import Item
from albefkit.gradcam.boxes import (
    box_mask,
    box_scores,
    choose_boxes,
    enlarge,
    intersection_over_union,
)
from albefkit.gradcam.maps import Middles
from albefkit.layers.receptive import even_middles
from albefkit.registry.errors import DataError

AGREES = 0.5
"""Intersection over union from which on a chosen box is right."""


@dataclass(frozen=True)
class Pointed:
    """What K maps of one item have to do with its true box.

    Args:
        image: the number of the item's image.
        part: of the split, with figures of its own.
        share: of the image, that is in the true box.
        central: whether the middle of the image is in the true box.
        hit: `(K,)` 1 where the middle of the strongest cell is in the true box.
        energy: `(K,)` share of what speaks for the text that is in the true box.
        overlap: `(K,)` intersection over union of a map's strong part and the true box.
        truth: `(4,)` the true box.
        boxes: `(n, 4)` those to choose from; n may be 0.
        scores: `(n, K)` how strongly each map speaks for each of them; minus infinity where it is
            silent.
    """

    image: int
    part: str
    share: float
    central: bool
    hit: Tensor
    energy: Tensor
    overlap: Tensor
    truth: Tensor
    boxes: Tensor
    scores: Tensor


def point(maps: Tensor, item: Item, threshold: float, middles: Middles | None = None) -> Pointed:
    """Measure the maps of an item.

    Args:
        maps: `(K, rows, columns)`, over the whole image.
        item: with `box`, and `boxes` where there are some to choose from.
        threshold: share of its maximum from which on a map is strong.
        middles: where the maps' rows and columns look; None: in the middle of equal cells.

    Raises:
        DataError: the item has no true box, or one outside the image.
    """
    if "box" not in item.fields:
        raise DataError("grounding needs items with the box of what their text refers to ('box')")
    height, width = item.image.shape[:2]
    large = enlarge(maps.float().cpu(), height, width, middles)
    truth = torch.tensor(item.fields["box"], dtype=torch.float64)
    boxes = torch.tensor(item.fields.get("boxes", ()), dtype=torch.float64).reshape(-1, 4)
    inside = box_mask(truth, height, width)
    if not inside.any():
        raise DataError(f"the box {item.fields['box']} holds no pixel of its {width} x {height}")
    strength, speaks = large.amax((1, 2)), maps.amax((1, 2)).cpu() > 0
    favour = large.clamp(min=0).double()
    strong = (large >= threshold * strength[:, None, None]) & speaks[:, None, None]
    return Pointed(
        image=item.image_id,
        part=str(item.fields.get("part", "")),
        share=inside.double().mean().item(),
        central=bool(inside[height // 2, width // 2]),
        hit=(inside[_strongest(maps, height, width, middles)] & speaks).double(),
        energy=(favour * inside).sum((1, 2)) / favour.sum((1, 2)).where(speaks, 1.0),
        overlap=(strong & inside).sum((1, 2)) / (strong | inside).sum((1, 2)).double(),
        truth=truth,
        boxes=boxes,
        scores=box_scores(large, boxes).where(speaks[:, None], -torch.inf).T,
    )


def _strongest(
    maps: Tensor, height: int, width: int, middles: Middles | None
) -> tuple[Tensor, Tensor]:
    """Row and column of the pixel in the middle of each map's strongest cell, `(K,)` each.

    Not the maximum of the enlarged map: bicubic interpolation moves that to the image's border.
    """
    rows, columns = maps.shape[1:]
    down, across = middles or (even_middles(rows), even_middles(columns))
    cell = maps.flatten(1).argmax(1).cpu()
    y = (torch.tensor(down)[cell // columns] * height).long().clamp(max=height - 1)
    x = (torch.tensor(across)[cell % columns] * width).long().clamp(max=width - 1)
    return y, x


@dataclass(frozen=True)
class Findings:
    """What K maps of each of many items have to do with the true boxes.

    Args:
        images: the number of each item's image.
        parts: of each item.
        share: `(items,)` of the image, in the true box.
        central: `(items,)` 1 where the middle of the image is in the true box.
        hit: `(items, K)`.
        energy: `(items, K)`.
        overlap: `(items, K)`.
        agreement: `(items, K)` intersection over union of the chosen and the true box; None where
            no item has boxes to choose from.
        lucky: `(items,)` share of an item's boxes that would be right.
    """

    images: list[int]
    parts: list[str]
    share: Tensor
    central: Tensor
    hit: Tensor
    energy: Tensor
    overlap: Tensor
    agreement: Tensor | None
    lucky: Tensor

    @property
    def main(self) -> str:
        """The figure that counts: boxes where there are some to choose from."""
        return "pointing" if self.agreement is None else "box_accuracy"

    def values(self, layer: int) -> dict[str, Tensor]:
        """Percentages of each item, `(items,)`, for one of the K maps."""
        found = {
            "pointing": self.hit[:, layer],
            "energy": self.energy[:, layer],
            "map_iou": self.overlap[:, layer],
        }
        if self.agreement is not None:
            found["box_accuracy"] = self.agreement[:, layer] >= AGREES
        return {name: 100 * values.double() for name, values in found.items()}

    def figures(self, layer: int, rows: Tensor | slice = slice(None)) -> dict[str, float]:
        """Percentages for one of the K maps.

        Args:
            layer: which.
            rows: of which items.
        """
        return {name: values[rows].mean().item() for name, values in self.values(layer).items()}

    def chance(self, rows: Tensor | slice = slice(None)) -> dict[str, float]:
        """What a point, a map or a box drawn evenly would reach, in percent."""
        random = 100 * self.share[rows].mean().item()
        found = {"pointing": random, "energy": random}
        if self.agreement is not None:
            found["box_accuracy"] = 100 * self.lucky[rows].mean().item()
        return found

    def rows_of_parts(self) -> dict[str, Tensor]:
        """The items of each part, where there are several parts."""
        names = sorted(set(self.parts))
        if len(names) < 2:
            return {}
        return {name: torch.tensor([part == name for part in self.parts]) for name in names}


def gather(pointed: Sequence[Pointed], *, released_stale_box: bool) -> Findings:
    """Put the measures of items together.

    Args:
        pointed: of each item, in order.
        released_stale_box: see `choose_boxes`.
    """
    truths = torch.stack([each.truth for each in pointed])
    lucky = torch.zeros(len(pointed), dtype=torch.float64)
    agreement = None
    if any(len(each.boxes) for each in pointed):
        boxes = pad_sequence([each.boxes for each in pointed], batch_first=True)
        scores = pad_sequence([each.scores for each in pointed], True, -torch.inf)
        chosen = [
            choose_boxes(scores[..., layer], boxes, released_stale_box=released_stale_box)
            for layer in range(scores.shape[2])
        ]
        agreement = intersection_over_union(torch.stack(chosen, dim=1), truths[:, None])
        if not released_stale_box:  # a silent map chooses nothing
            agreement = agreement.where(scores.amax(1).isfinite(), 0.0)
        right = intersection_over_union(boxes, truths[:, None]) >= AGREES
        lucky = right.sum(1) / torch.tensor([max(1, len(each.boxes)) for each in pointed]).double()
    return Findings(
        images=[each.image for each in pointed],
        parts=[each.part for each in pointed],
        share=torch.tensor([each.share for each in pointed], dtype=torch.float64),
        central=torch.tensor([each.central for each in pointed], dtype=torch.float64),
        hit=torch.stack([each.hit for each in pointed]),
        energy=torch.stack([each.energy for each in pointed]),
        overlap=torch.stack([each.overlap for each in pointed]),
        agreement=agreement,
        lucky=lucky,
    )
