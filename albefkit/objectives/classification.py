"""Classification of a text with its images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn

from albefkit.data.base import Dataset
from albefkit.objectives.base import Objective, own_pairs
from albefkit.predictions import Choice
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import IGNORED, Pairs

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network


class Classification(Objective):
    """Which of the data's classes does this text with its images belong to?

    Paper section 5: visual entailment and NLVR2 (spec 4 and 6.3); with the possible answers for
    classes, closed-set question answering.
    """

    reads = frozenset({"fused"})
    distillable = True

    def __init__(self, name: str, dataset: Dataset) -> None:
        super().__init__(name)
        if not dataset.classes:
            message = f"{type(dataset).__name__} has no classes to tell apart."
            hint = "Take data with labels, such as 'data: {type: scene-entailment}'."
            raise ComponentError(Problem("", "", message, hint))
        self.classes = len(dataset.classes)
        self.images = dataset.images_per_text

    def head(self, network: Network) -> nn.Module:
        """A judge of pairs with one hidden layer, `(P, D) -> (P, C)`.

        Raises:
            ComponentError: fusion takes another number of images than the data show.
        """
        fusion = network.fusion
        assert fusion is not None
        if fusion.images != self.images:
            message = (
                f"a text of these data speaks of {self.images} image{'s' * (self.images > 1)}, and "
                f"{type(fusion).__name__} shows it {fusion.images}."
            )
            hint = "Take another 'model.fusion' or other 'data'; some of both let 'images' be said."
            raise ComponentError(Problem("", f"objectives.{self.name}", message, hint))
        width = fusion.pooled_width
        return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, self.classes))

    def pairs(self, step: Step) -> Pairs:
        """B pairs: every text with its own image or images."""
        return own_pairs(step)

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        """Rows as in `pairs`; one whose label is none of the classes stands for nothing."""
        logits = who.network.heads[self.name](who.fused(self.name).pooled)
        labels = step.batch.fields["label"]
        listed = (labels != IGNORED).float()
        return Choice(logits, labels.clamp(min=0), math.log(self.classes), listed)
