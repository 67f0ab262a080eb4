"""The ramp-up of mean teachers."""

from __future__ import annotations

import math
from typing import Annotated

from albefkit.distill.schedules import Schedule
from albefkit.progress import Progress
from pydantic import Field

STEEPNESS = 5.0
"""Of the exponent: the ramp sets out within exp(-5), 0.7 %, of its start."""


class SigmoidRamp(Schedule):
    """A ramp that is flat at both ends: a young teacher's word hardly counts.

    Tarvainen & Valpola 2017 (arXiv 1703.01780), appendix B, after Laine & Aila 2017: `exp(-5 (1 -
    x)^2)` of the way, where x goes from 0 to 1 along the ramp. A third of the way along, a line is
    at 33 % and this at 11 %. In a recipe: `mod: {alpha: {type: sigmoid-ramp, to: 0.4}}`.

    Args:
        to: the value at the end of the ramp and ever after.
        start: what the ramp sets out from; its first step is 0.7 % of the way beyond.
        epochs: length of the ramp in passes over the training split, more than 0.
    """

    def __init__(
        self, *, to: float, start: float = 0.0, epochs: Annotated[float, Field(gt=0)] = 1.0
    ) -> None:
        self.to = to
        self.start = start
        self.epochs = epochs

    def __call__(self, progress: Progress) -> float:
        """The value now."""
        left = max(0.0, 1 - progress.step / (self.epochs * progress.steps_per_epoch))
        return self.start + (self.to - self.start) * math.exp(-STEEPNESS * left**2)
