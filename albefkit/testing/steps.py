"""Steps for components that live in one."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from albefkit.assemble import Assembly
from albefkit.engine.pretrainer import Pretrainer
from albefkit.engine.step import Step
from albefkit.predictions import Prediction
from albefkit.tensors import Batch
from albefkit.testing.comparing import shaken
from albefkit.testing.trial import NOW, Trial


@dataclass(frozen=True)
class StepTrial(Trial):
    """A component on trial in a step."""

    def pretrainer(self, seed: int = 1, training: bool = False) -> Pretrainer:
        """All parts of the recipe, with weights that say something."""
        return self.settled(self.assembly(seed), seed).train(training)

    def settled(self, assembly: Assembly, seed: int = 1) -> Pretrainer:
        """The parts of an assembly with weights that say something, the teacher a mirror."""
        made = assembly.pretrainer
        shaken(made.student, seed)
        if made.teacher.network.vision is not None:
            made.teacher.network.load_state_dict(
                {
                    name: made.student.state_dict()[name]
                    for name in made.teacher.network.state_dict()
                }
            )
        return made

    def step(self, pretrainer: Pretrainer, batch: Batch | None = None) -> Step:
        """A step that has not been taken."""
        return Step(
            batch=batch or self.batch,
            progress=NOW,
            objectives=dict(pretrainer.objectives.items()),  # type: ignore[arg-type]
            student=pretrainer.student,
            teacher=pretrainer.teacher,
            space=pretrainer.space,
        )

    def taken(self, pretrainer: Pretrainer) -> Step:
        """A step with its predictions."""
        step = self.step(pretrainer)
        step.take()
        return step

    def exercise(self) -> None:
        """Build the component by itself, then a step with it, and take it."""
        self.alone(self.assembly())
        pretrainer = self.pretrainer(training=True)
        step = self.taken(pretrainer)
        pretrainer.space.remember(step)

    def alone(self, assembly: Assembly) -> object:
        """The component by itself, with whatever it asks for."""
        return self.build()


def losses(step: Step) -> dict[str, Tensor]:
    """The loss of each objective."""
    return {f"the loss of {name}": each.loss() for name, each in step.predictions.items()}


def answers(step: Step) -> dict[str, Tensor]:
    """What is predicted: the loss of each objective, tempered and not."""
    hard = {f"the hard loss of {name}": p.hard_loss() for name, p in step.predictions.items()}
    return {name: each.detach() for name, each in (losses(step) | hard).items()}


def tensors_of(prediction: Prediction) -> dict[str, Tensor]:
    """The tensors of a prediction by name."""
    names = getattr(prediction, "__dataclass_fields__", {})
    found = {name: getattr(prediction, name) for name in names}
    return {name: each for name, each in found.items() if isinstance(each, Tensor)}
