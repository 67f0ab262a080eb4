"""Masked region classification."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from albefkit.layers.ranges import Count
from albefkit.predictions import Choice
from albefkit.registry.errors import ComponentError, Problem
from torch import Tensor, nn

from albefkit_detector.masked_regions import MaskedRegions, Probability

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network


class MaskedRegionClasses(MaskedRegions):
    """What would a detector have called this hidden region, given the words and other regions?

    UNITER section 3.2, MRC-kl: the detector's probabilities are the target. Cross-entropy stands
    for the divergence: it differs by the target's own entropy, which nothing learns from.

    Args:
        classes: C, how many the detector tells apart: 112 that of drawn scenes, 90 torchvision's.
    """

    def __init__(self, name: str, *, classes: Count, probability: Probability = 0.15) -> None:
        super().__init__(name, probability=probability)
        self.classes = classes

    def head(self, network: Network) -> nn.Module:
        """A judge of regions with one hidden layer, `(K, D) -> (K, C)`."""
        self.regions_of(network)
        assert network.fusion is not None
        width = network.fusion.width
        return nn.Sequential(
            nn.Linear(width, width),
            nn.GELU(),
            nn.LayerNorm(width, eps=1e-12),
            nn.Linear(width, self.classes),
        )

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        """One row per hidden region.

        Raises:
            ComponentError: the detector told apart another number of classes.
        """
        answers = step.batch.read("region_classes")
        if answers.shape[2] != self.classes:
            message = f"the data's regions are of {answers.shape[2]} classes, not {self.classes}"
            path = f"objectives.{self.name}.classes"
            raise ComponentError(Problem("", path, message, f"Say 'classes: {answers.shape[2]}'."))
        hidden = self.hidden(step, who)
        logits = who.network.heads[self.name](hidden.tokens)
        right = answers[hidden.row, hidden.column]
        return HiddenChoice(logits, right, math.log(self.classes), hidden.weight)


class HiddenChoice(Choice):
    """A choice for each hidden region; rows of weight 0 are spare, and nobody misses them."""

    def metrics(self) -> Mapping[str, Tensor]:
        """Accuracy, and how many regions are hidden."""
        assert self.weight is not None
        return {"accuracy": self.accuracy(), "rows": self.weight.sum()}
