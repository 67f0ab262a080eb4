"""An honest estimate, from real steps on this machine, before a long run has cost anything."""

from __future__ import annotations

from albefkit.quantities import duration

ENOUGH = ((5, 0.0), (2, 15.0), (1, 60.0))
"""So many steps are enough to go by, if they took at least so many seconds."""
LONG = 15 * 60
SITTING = 10 * 60
"""How long people wait for a result, in seconds."""


class Preflight:
    """Watches the first steps and says once how long the rest will take.

    Args:
        total_steps: optimizer steps planned.
        first_step: optimizer steps done before.
        recipe: the recipe's name.
    """

    def __init__(self, total_steps: int, first_step: int, recipe: str) -> None:
        self._left = total_steps - first_step
        self._recipe = recipe
        self._times: list[float] = []
        self._said = False

    @property
    def wants_step(self) -> bool:
        """Whether another step is to be timed (the device is waited for)."""
        return not self._said

    def timed(self, seconds: float) -> str | None:
        """Take note of a step; returns the estimate when there is enough to go by."""
        self._times.append(seconds)
        steps, total = len(self._times), sum(self._times)
        enough = any(steps >= few and total >= long for few, long in ENOUGH)
        if self._said or not enough:
            return None
        self._said = True
        # The first step also allocates and warms up: it counts only where there is no other.
        later = sorted(self._times[1:] or self._times)
        return self._estimate(later[len(later) // 2])

    def _estimate(self, step_seconds: float) -> str | None:
        left = self._left * step_seconds
        if self._left <= len(self._times):
            return None
        if left < LONG:
            return f"about {duration(left)} for {self._left} steps"
        steps = max(2, int(SITTING / step_seconds))
        smaller = "" if self._recipe == "albef_tiny" else "albef_tiny or "
        return (
            f"about {duration(left)} here ({self._left} steps of {step_seconds:.2g} s); "
            f"try {smaller}--max-steps {steps} for a result in ten minutes"
        )
