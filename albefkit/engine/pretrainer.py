"""The step as one module, so that data parallelism can wrap exactly it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from albefkit.alignment.space import NoSpace, Space
from albefkit.distill.teacher import NoTeacher, Teacher
from albefkit.engine.step import Step
from albefkit.network import Network
from albefkit.objectives.base import Objective
from albefkit.progress import Progress
from albefkit.seeding import stream
from albefkit.tensors import Batch


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a step found; tensors stay on the device.

    Args:
        loss: weighted sum of the losses, with its graph.
        losses: per objective, detached.
        floors: per objective, the loss of guessing by the prior (nats).
        bounds: per objective, chance minus the loss against one-hot targets: a lower bound on the
            mutual information between question and answer (nats).
        metrics: everything else worth logging.
    """

    loss: Tensor
    losses: dict[str, Tensor]
    floors: dict[str, Tensor | float]
    bounds: dict[str, Tensor]
    metrics: dict[str, Tensor]


class Pretrainer(nn.Module):
    """Student, teacher, space and objectives.

    Args:
        student: the network that learns.
        teacher: a teacher that has mirrored the student, or `NoTeacher`.
        space: temperature and keys, or `NoSpace`.
        objectives: by name, in the recipe's order.
        weights: weight of each objective's loss.
    """

    def __init__(
        self,
        student: Network,
        teacher: Teacher | NoTeacher,
        space: Space | NoSpace,
        objectives: Mapping[str, Objective],
        weights: Mapping[str, float],
    ) -> None:
        super().__init__()
        self.student = student
        self.teacher = teacher
        self.space = space
        self.objectives = nn.ModuleDict(objectives)
        self.weights = dict(weights)

    def checkpoint_activations(self) -> None:
        """Let the student's layers compute again on the way back what they would have kept; its
        parts warn where they cannot.
        """
        for part in (self.student.vision, self.student.text, self.student.fusion):
            if part is not None:
                part.checkpoint_activations()
        for name, head in self.student.heads.items():
            objective = self.objectives[name]
            assert isinstance(objective, Objective)
            objective.checkpoint_activations(head)

    def begin_step(self, progress: Progress) -> None:
        """What happens once per optimizer step, before its first forward.

        The temperature is clamped and the teacher follows the student (spec 2.1, items 1 and 4).
        """
        self.space.clamp()
        self.teacher.update(self.student, progress)

    def forward(self, batch: Batch, progress: Progress) -> StepReport:
        """Take the step and sum it up; the queue moves last, after everything has read it."""
        step = self.step(batch, progress)
        report = self._report(step)
        self.space.remember(step)
        return report

    def step(self, batch: Batch, progress: Progress) -> Step:
        """Take a step and give it whole, for whoever wants to look inside."""
        # Dropout draws from the global generator: seeding it here makes a resumed run exact.
        torch.manual_seed(stream(progress.seed, progress.rank, progress.step, progress.micro_step))
        step = Step(
            batch=batch,
            progress=progress,
            objectives=dict(self.objectives.items()),  # type: ignore[arg-type]
            student=self.student,
            teacher=self.teacher,
            space=self.space,
        )
        step.take()
        return step

    def _report(self, step: Step) -> StepReport:
        losses = {name: prediction.loss() for name, prediction in step.predictions.items()}
        weighted = [self.weights[name] * loss for name, loss in losses.items()]
        floors, bounds, metrics = {}, {}, self.space.metrics()
        with torch.no_grad():
            for name, prediction in step.predictions.items():
                if prediction.chance is not None:
                    floors[name] = prediction.chance
                    bounds[name] = prediction.chance - prediction.hard_loss()
                found = prediction.metrics()
                metrics |= {f"{name}.{metric}": value for metric, value in found.items()}
        return StepReport(
            loss=torch.stack(weighted).sum(),
            losses={name: loss.detach() for name, loss in losses.items()},
            floors=floors,
            bounds=bounds,
            metrics=metrics,
        )
