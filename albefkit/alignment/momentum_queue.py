"""Keys from the teacher, now and in the past."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from albefkit.alignment.keys import Candidates, Keys
from albefkit.distributed import gather_rows
from albefkit.registry import Ablation

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step

NOBODY = -100
"""The id of an empty place; no image and no text has it."""


class MomentumQueue(Keys):
    """The teacher's features of this batch, then those of the last `size` pairs.

    Paper section 3.2; spec 2.1, items 5 and 8: this batch's features come first, the queue is the
    one from before this batch, and all ranks' features enter it. A ring: any length goes with any
    batch.

    Args:
        size: Q, how many past pairs are kept, at least 1.
        unfilled: what to do with places not yet filled: `masked` never chooses them; `random` keeps
            as candidates the random unit vectors that the released code starts with.
    """

    needs_teacher = True
    ablations: ClassVar[Mapping[str, Ablation]] = {
        "queue": Ablation({"type": "in-batch"}, "candidates come from the batch alone")
    }
    image_queue: Tensor
    text_queue: Tensor
    image_id: Tensor
    text_id: Tensor
    pointer: Tensor
    filled: Tensor

    def __init__(
        self,
        shared_width: int,
        *,
        size: int = 65536,
        unfilled: Literal["masked", "random"] = "masked",
    ) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"a queue needs at least one place: size is {size}")
        self.size = size
        self.unfilled = unfilled
        self.register_buffer("image_queue", F.normalize(torch.randn(size, shared_width), dim=1))
        self.register_buffer("text_queue", F.normalize(torch.randn(size, shared_width), dim=1))
        self.register_buffer("image_id", torch.full((size,), NOBODY))
        self.register_buffer("text_id", torch.full((size,), NOBODY))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        """The same for student and teacher: the teacher's features, then the queue."""
        return step.once(self, lambda: self._candidates(step))

    def _candidates(self, step: Step) -> Candidates:
        image, text = step.teacher.image_features(), step.teacher.text_features()
        batch, places = len(image), torch.arange(self.size, device=image.device)
        filled = (
            self.filled if self.unfilled == "masked" else torch.full_like(self.filled, self.size)
        )
        valid = torch.cat([places.new_ones(batch, dtype=torch.bool), places < filled])
        return Candidates(
            image=torch.cat([image, self.image_queue.to(image)]),
            text=torch.cat([text, self.text_queue.to(text)]),
            image_id=torch.cat([step.batch.image_id, self.image_id]),
            text_id=torch.cat([step.batch.text_id, self.text_id]),
            valid=valid if self.unfilled == "masked" else None,
            count=(filled + batch).to(image.dtype),
        )

    @torch.no_grad()
    def remember(self, step: Step) -> None:
        """Write this step's teacher features of all ranks into the ring, over the oldest."""
        news = {
            "image_queue": step.teacher.image_features(),
            "text_queue": step.teacher.text_features(),
            "image_id": step.batch.image_id,
            "text_id": step.batch.text_id,
        }
        gathered = {name: gather_rows(rows)[-self.size :] for name, rows in news.items()}
        count = len(gathered["image_id"])
        places = (self.pointer + torch.arange(count, device=self.pointer.device)) % self.size
        for name, rows in gathered.items():
            ring = getattr(self, name)
            ring[places] = rows.to(ring.dtype)
        self.pointer.copy_((self.pointer + count) % self.size)
        self.filled.copy_((self.filled + count).clamp(max=self.size))
