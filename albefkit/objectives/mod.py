"""Momentum distillation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from albefkit.distill.schedules import Schedule
from albefkit.objectives.base import Objective
from albefkit.predictions import Prediction, Tempered
from albefkit.registry import default
from albefkit.registry.errors import ComponentError, RecipeError

if TYPE_CHECKING:
    from albefkit.engine.step import Step


class MoD(Objective):
    """The teacher answers the same questions, and its answers temper what the data say.

    Paper section 3.3, eq. 6 and 7; spec 2.1, item 6 and 2.2. Cross-entropy is linear in its target,
    so mixing targets is mixing losses, and one component distils every objective.

    Args:
        alpha: weight of the teacher's word, 0 to 1.
        of: names of the objectives to distil; null: all that can be.
    """

    def __init__(
        self,
        name: str,
        *,
        alpha: Schedule = default({"type": "ramp", "to": 0.4}),
        of: list[str] | None = None,
    ) -> None:
        super().__init__(name)
        self.alpha = alpha
        self.of = of

    def asks(self, objectives: Mapping[str, Objective]) -> frozenset[str]:
        """The objectives in `of`, or all that are distillable."""
        if self.of is None:
            return frozenset(name for name, other in objectives.items() if other.distillable)
        for name in self.of:
            if name not in objectives:
                known = ", ".join(other for other in objectives if other != self.name)
                raise RecipeError(
                    f"objectives.{self.name}.of names '{name}', which is not an objective of this "
                    f"recipe. It has: {known}."
                )
        return frozenset(self.of)

    def temper(self, step: Step) -> Mapping[str, Prediction]:
        """Mix the teacher's answers into the targets."""
        alpha = self.alpha(step.progress)
        tempered = {}
        for name in sorted(self.asks(step.objectives)):
            asked = step.predictions.get(name)
            if asked is None:
                continue
            if not isinstance(asked, Tempered):
                message = f"objectives.{self.name}.of: the answer of '{name}' cannot be tempered"
                raise ComponentError(message)
            answer = step.objectives[name].predict(step, step.teacher)
            if answer is not None:
                tempered[name] = asked.soften(answer, alpha)
        return tempered
