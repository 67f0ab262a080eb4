"""Text assignment: which of two images does a text belong to?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from albefkit.alignment.matching import Positives, matches
from albefkit.data.base import Dataset
from albefkit.objectives.base import Objective
from albefkit.objectives.negatives import draw_rows
from albefkit.predictions import Choice
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Pairs

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network

IMAGES = 2
CLASSES = 3
FIRST, SECOND, NEITHER = range(CLASSES)
"""The text belongs to the first image, to the second, to neither."""


class TextAssignment(Objective):
    """Does this text belong to the first image, to the second, or to neither?

    Paper section 5 (NLVR2), spec 6.2: prepares a fusion of two images on captions of one. A wrong
    image is the likelier, the more it looks like the right one. The three answers are equally
    likely. Projections into the shared space are used as they are and learn nothing.

    Args:
        temperature: what similarities of images are divided by before wrong ones are drawn, more
            than 0.
        exclude: who is never a wrong image: `pair`: a text's own (as released); `image`: every row
            of the same image; `image-or-text`: and every row with the same words.
    """

    reads = frozenset({"fused"})

    def __init__(
        self,
        name: str,
        dataset: Dataset,
        *,
        temperature: Annotated[float, Field(gt=0)] = 0.07,
        exclude: Positives = "image-or-text",
    ) -> None:
        super().__init__(name)
        if dataset.images_per_text != 1:
            raise self._mistaken(
                f"a text of {type(dataset).__name__} speaks of {dataset.images_per_text} images, "
                "and belongs to one here.",
                "Take data with captions, such as 'data: {type: scenes}'.",
            )
        self.temperature = temperature
        self.exclude: Positives = exclude

    @property
    def needs(self) -> frozenset[str]:
        """Fused pairs, and features to choose wrong images by."""
        return self.reads | {"features"}

    def head(self, network: Network) -> nn.Module:
        """A linear judge of texts with two images, `(P, D) -> (P, 3)`.

        Raises:
            ComponentError: fusion takes another number of images than two.
        """
        fusion = network.fusion
        assert fusion is not None
        if fusion.images != IMAGES:
            raise self._mistaken(
                f"a text meets {IMAGES} images here, and {type(fusion).__name__} takes "
                f"{fusion.images}.",
                "Take 'model.fusion: {type: paired-cross-attention, images: 2}'.",
            )
        return nn.Linear(fusion.pooled_width, CLASSES)

    def pairs(self, step: Step) -> Pairs:
        """B texts with two images each; weight 0 where a text has fewer than two wrong images."""
        generator = step.generator(self.name)
        answers = torch.randint(CLASSES, (len(step.batch),), generator=generator)
        answers = answers.to(step.device, non_blocking=True)
        log_weight = self.log_weights(step)
        wrong, _ = draw_rows(log_weight, generator)
        left = log_weight.scatter(1, wrong[:, None], -torch.inf)
        other, found = draw_rows(left, generator)
        own = torch.arange(len(step.batch), device=step.device)
        first = torch.where(answers == FIRST, own, wrong)
        second = torch.where(answers == NEITHER, other, torch.where(answers == FIRST, wrong, own))
        return Pairs(torch.stack([first, second], 1), text=own, weight=found)

    @torch.no_grad()
    def log_weights(self, step: Step) -> Tensor:
        """Log of the sampling weights of images for each text, `(B, B)`."""
        batch = step.batch
        features = step.student.image_features()
        with torch.autocast(step.device.type, enabled=False):
            similarity = features @ features.T / self.temperature
        excluded = matches(self.exclude, batch, batch.image_id, batch.text_id)
        return similarity.log_softmax(1).masked_fill(excluded, -torch.inf)

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        """Rows as in `pairs`."""
        logits = who.network.heads[self.name](who.fused(self.name).pooled)
        pairs = step.pairs[self.name]
        own = pairs.image == pairs.text[:, None]
        answers = torch.where(own.any(1), own.to(torch.int64).argmax(1), NEITHER)
        return Choice(logits, answers, math.log(CLASSES), pairs.weight)

    def _mistaken(self, message: str, hint: str) -> ComponentError:
        return ComponentError(Problem("", f"objectives.{self.name}", message, hint))
