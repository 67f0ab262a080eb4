"""Keys from the batch alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from albefkit.alignment.keys import Candidates, Keys

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step


class InBatch(Keys):
    """The batch is its own set of candidates, seen by the network that chooses, as in CLIP.

    The gradient flows into both sides. Under several processes each keeps to its own rows.
    """

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        """The features of `who`."""
        image = who.image_features()
        return Candidates(
            image=image,
            text=who.text_features(),
            image_id=step.batch.image_id,
            text_id=step.batch.text_id,
            valid=None,
            count=torch.full((), len(step.batch), dtype=image.dtype, device=image.device),
        )
