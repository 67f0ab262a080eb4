"""The same budget for every variant: a part that costs more may have bought its gain with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from albefkit.ablation.expenses import Estimate

Budget = Literal["steps", "samples", "flops", "minutes"]


def equal_steps(budget: Budget, ours: Estimate, reference: Estimate) -> int:
    """How many optimizer steps spend what the reference spends.

    Args:
        budget: `steps`: as many as the reference; `samples`: as many pairs seen; `flops`: as many
            operations, teacher included; `minutes`: as long on this machine.
        ours: of the variant.
        reference: of the first variant.
    """
    return max(1, round(_STEPS[budget](ours, reference)))


_STEPS: Mapping[Budget, Callable[[Estimate, Estimate], float]] = {
    "steps": lambda ours, reference: reference.steps,
    "samples": lambda ours, reference: (
        reference.steps * reference.samples_per_step / ours.samples_per_step
    ),
    "flops": lambda ours, reference: (
        reference.flops / (ours.flops_per_sample * ours.samples_per_step)
    ),
    "minutes": lambda ours, reference: reference.seconds / ours.seconds_per_step,
}
