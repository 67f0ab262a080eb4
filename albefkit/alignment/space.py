"""The shared space: where a temperature and a set of keys turn features into similarities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from albefkit.alignment.keys import Candidates, Keys

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step

IMPOSSIBLE = -1e4
"""A similarity no one chooses: its softmax is exactly 0, and 0 times it stays finite."""


@dataclass(frozen=True, slots=True)
class Similarities:
    """Similarities over the temperature.

    Args:
        image_to_text: `(B, K)`, images of the batch against candidate texts.
        text_to_image: `(B, K)`, texts of the batch against candidate images.
        candidates: what the columns are.
    """

    image_to_text: Tensor
    text_to_image: Tensor
    candidates: Candidates


class Space(nn.Module):
    """Temperature and keys. Both networks are judged by the same temperature, the student's.

    Args:
        keys: where candidates come from.
        temperature: initial temperature, more than 0.
        temperature_range: the temperature is clamped to it before each step, or None.
    """

    def __init__(
        self, keys: Keys, temperature: float, temperature_range: tuple[float, float] | None
    ) -> None:
        super().__init__()
        self.keys = keys
        self.temperature = nn.Parameter(torch.tensor(float(temperature)))
        self.temperature_range = temperature_range

    @property
    def needs_of_teacher(self) -> frozenset[str]:
        """What the keys read from the teacher."""
        return frozenset({"features"}) if self.keys.needs_teacher else frozenset()

    @torch.no_grad()
    def clamp(self) -> None:
        """Keep the temperature in its range (spec 2.1, item 1)."""
        if self.temperature_range is not None:
            self.temperature.clamp_(*self.temperature_range)

    def compare(self, step: Step, who: ForwardPass) -> Similarities:
        """Similarities of `who`'s features with the candidates, in float32 or better."""
        candidates = self.keys.candidates(step, who)

        def over_temperature(features: Tensor, keys: Tensor) -> Tensor:
            similarity = features @ keys.T / self.temperature
            if candidates.valid is None:
                return similarity
            return similarity.masked_fill(~candidates.valid, IMPOSSIBLE)

        return Similarities(
            over_temperature(who.image_features(), candidates.text),
            over_temperature(who.text_features(), candidates.image),
            candidates,
        )

    def remember(self, step: Step) -> None:
        """Let this step's features become candidates of later ones."""
        self.keys.remember(step)

    def metrics(self) -> dict[str, Tensor]:
        """What is worth logging."""
        return {"temperature": self.temperature.detach()}


class NoSpace(nn.Module):
    """Stands where nothing is aligned."""

    needs_of_teacher: frozenset[str] = frozenset()

    def clamp(self) -> None:
        """Nothing to clamp."""

    def remember(self, step: Step) -> None:
        """Nothing to remember."""

    def metrics(self) -> dict[str, Tensor]:
        """Nothing to log."""
        return {}
