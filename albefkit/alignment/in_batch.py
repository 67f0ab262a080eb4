"""Keys from the batch alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from albefkit.alignment.keys import Candidates, Keys
from albefkit.distributed import gather_rows_own_first

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step


class InBatch(Keys):
    """The batch is its own set of candidates, seen by the network that chooses, as in CLIP.

    The gradient flows into both sides. Under several processes the batch is that of all of them:
    what is learned is what one process would learn from it (Radford et al. 2021, section 2.3).
    """

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        """The features of `who`, of this process and then of the others."""
        # Evaluating, a process is alone: the others would not answer.
        gather = gather_rows_own_first if self.training else _as_they_are
        image = gather(who.image_features())
        return Candidates(
            image=image,
            text=gather(who.text_features()),
            image_id=gather(step.batch.image_id),
            text_id=gather(step.batch.text_id),
            valid=None,
            count=torch.full((), len(image), dtype=image.dtype, device=image.device),
        )


def _as_they_are(rows: Tensor) -> Tensor:
    return rows
