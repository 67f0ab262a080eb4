"""Random negatives."""

from __future__ import annotations

import torch

from albefkit.alignment.matching import Positives, matches
from albefkit.objectives.negatives import Negatives, Occasion, WrongPartners, draw_rows


class Random(Negatives):
    """Every wrong partner in the batch is equally likely.

    Args:
        exclude: who is never a negative: `pair`, `image` or `image-or-text`, as for `hard`.
    """

    def __init__(self, *, exclude: Positives = "image-or-text") -> None:
        self.exclude: Positives = exclude

    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        """First an image per text, then a text per image."""
        batch = step.batch
        excluded = matches(self.exclude, batch, batch.image_id, batch.text_id)
        even = torch.zeros(excluded.shape, device=step.device).masked_fill(excluded, -torch.inf)
        image, image_found = draw_rows(even, generator)
        text, text_found = draw_rows(even, generator)
        return WrongPartners(image, text, image_found, text_found)
