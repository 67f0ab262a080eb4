"""Image-text contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from albefkit.alignment.matching import Positives, matches
from albefkit.objectives.base import Objective
from albefkit.predictions import Choice

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step


class ITC(Objective):
    """Which of the candidate texts belongs to this image, and which image to this text?

    Paper section 3.2, eq. 1 and 2; spec 2.1, items 6 and 7: the student's features against the
    keys, in both directions, over the temperature.

    Args:
        positives: `pair`: only a row's own partner is right (released pre-training); `image`: so is
            every candidate of the same image (released retrieval, spec 3); `image-or-text`: and
            every candidate with the same words. Several right candidates share the target evenly.
    """

    reads = frozenset({"features"})
    trains = frozenset({"similarity"})
    distillable = True

    def __init__(self, name: str, *, positives: Positives = "pair") -> None:
        super().__init__(name)
        self.positives: Positives = positives

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        """Rows: B images choosing a text, then B texts choosing an image."""
        sims = who.similarities()
        candidates = sims.candidates
        right = matches(self.positives, step.batch, candidates.image_id, candidates.text_id).to(
            sims.image_to_text.dtype
        )
        targets = right / right.sum(1, keepdim=True)
        return Choice(
            logits=torch.cat([sims.image_to_text, sims.text_to_image]),
            answers=torch.cat([targets, targets]),
            chance=candidates.count.log(),
        )
