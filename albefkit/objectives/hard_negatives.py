"""Hard negatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from albefkit.alignment.matching import Positives, matches
from albefkit.objectives.negatives import Negatives, Occasion, WrongPartners, draw_rows


class Hard(Negatives):
    """The more similar a wrong partner, the likelier it is drawn.

    Paper section 3.2; spec 2.1, item 10: in proportion to the in-batch softmax of the similarities
    that ITC itself uses (student against keys, over the temperature).

    Args:
        exclude: who is never a negative: `pair`: a row's own partner (released pre-training);
            `image`: every row of the same image (released retrieval); `image-or-text`: and every
            row with the same words.
    """

    needs = frozenset({"features"})
    relies_on: ClassVar[Mapping[str, str]] = {
        "similarity": "hard samples by image-text similarity, which no objective in this recipe "
        "trains. Use negatives: random."
    }

    def __init__(self, *, exclude: Positives = "image-or-text") -> None:
        self.exclude: Positives = exclude

    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        """First an image per text, then a text per image."""
        image_to_text, text_to_image = self.log_weights(step)
        image, image_found = draw_rows(text_to_image, generator)
        text, text_found = draw_rows(image_to_text, generator)
        return WrongPartners(image, text, image_found, text_found)

    @torch.no_grad()
    def log_weights(self, step: Occasion) -> tuple[Tensor, Tensor]:
        """Log of the sampling weights `(B, B)`: a text per image, an image per text."""
        sims = step.student.similarities()
        batch = step.batch
        excluded = matches(self.exclude, batch, batch.image_id, batch.text_id)

        def weigh(similarity: Tensor) -> Tensor:
            return similarity[:, : len(batch)].log_softmax(1).masked_fill(excluded, -torch.inf)

        return weigh(sims.image_to_text), weigh(sims.text_to_image)
