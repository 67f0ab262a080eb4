"""Wrong objectives and wrong teachers."""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import replace

import torch
from torch import nn

from albefkit.distill.momentum import Momentum
from albefkit.engine.forward_pass import ForwardPass
from albefkit.engine.step import Step
from albefkit.network import Network
from albefkit.objectives.itc import ITC
from albefkit.objectives.itm import ITM
from albefkit.objectives.mlm import MLM
from albefkit.predictions import Choice, Penalty, Prediction
from albefkit.progress import Progress
from albefkit.tensors import Pairs, TextView


class WaitsForTheDevice(ITC):
    """Looks whether all is well before it answers."""

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        found = super().predict(step, who)
        if bool(found.logits.isnan().any()):
            raise FloatingPointError("the similarities are not finite")
        return found


class ListsItsAnswers(MLM):
    """Moves numbers through Python."""

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        found = super().predict(step, who)
        return replace(found, answers=torch.tensor(found.answers.tolist()))


class AlwaysAsksTheStudent(ITC):
    """Answers for the student whoever is asked."""

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        return super().predict(step, step.student)


class Undetached(Choice):
    """Softens with an answer that still has its graph."""

    def soften(self, teacher: Prediction, alpha: float) -> Choice:
        assert isinstance(teacher, Choice)
        advice = (1 - alpha) * self.answers + alpha * teacher.logits.softmax(1)
        return replace(self, advice=advice)


class LearnsThroughTheTeacher(ITC):
    """Lets the teacher's answer carry the gradient of a scale of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.scale = nn.Parameter(torch.ones(()))

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        found = super().predict(step, who)
        return Undetached(self.scale * found.logits, found.answers, found.chance)


class CannotBeTempered(ITC):
    """Says that it can be distilled, and gives what cannot."""

    def predict(self, step: Step, who: ForwardPass) -> Penalty:  # type: ignore[override]
        found = super().predict(step, who)
        return Penalty(-found.logits.log_softmax(1).diagonal())


class EditsFusedPairs(ITM):
    """Scales the fused pairs of everybody in place."""

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        with torch.no_grad():
            who.fused(self.name).pooled.mul_(0.5)
        return super().predict(step, who)


class EditsTheBatch(ITC):
    """Renumbers the batch's images in place."""

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        found = super().predict(step, who)
        step.batch.image_id.add_(1)
        return found


class HidesByChance(MLM):
    """Hides words by torch's global generator."""

    def view(self, step: Step) -> TextView:
        found = super().view(step)
        assert found.labels is not None
        spared = torch.rand(found.labels.shape) < 0.5
        return replace(found, labels=found.labels.masked_fill(spared, -100))


class ReadsInSecret(MLM):
    """Looks at features, and does not say so."""

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        who.image_features()
        return super().predict(step, who)


class NeverAsksItsHead(ITC):
    """Has a head that answers nothing."""

    def head(self, network: Network) -> nn.Module:
        return nn.Linear(4, 2)


class LearnsItsWeights(ITM):
    """The weight of a pair carries a gradient."""

    def pairs(self, step: Step) -> Pairs:
        found = super().pairs(step)
        assert found.weight is not None
        return replace(found, weight=found.weight * step.space.temperature)  # type: ignore[union-attr]


class PairsStrangers(ITM):
    """Names rows that no table has."""

    def pairs(self, step: Step) -> Pairs:
        found = super().pairs(step)
        return replace(found, image=found.image - len(step.batch))


class CountsItsAnswers(ITC):
    """Answers otherwise the more often it is asked."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.register_buffer("asked", torch.zeros(()))

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        self.asked += 1
        found = super().predict(step, who)
        return replace(found, logits=found.logits / self.asked)


class DividesByNothing(ITC):
    """Its loss is not finite."""

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        found = super().predict(step, who)
        return replace(found, weight=torch.full((len(found.logits),), torch.nan))


class ForgetsItsMargin(ITC):
    """Has a random number that is in no state_dict."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.margin = torch.rand(())

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        found = super().predict(step, who)
        return replace(found, logits=found.logits * self.margin)


class MixesInFloat32(ITM):
    """Mixes what it says with something that is float32 whatever it says."""

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        found = super().predict(step, who)
        other = torch.zeros(found.logits.shape, device=step.device)
        return replace(found, logits=torch.lerp(found.logits, other, 0.0))


class TrainableTeacher(Momentum):
    """A copy that would be trained."""

    def mirror(self, student: Network, parts: Collection[str]) -> None:
        super().mirror(student, parts)
        self.network.requires_grad_(True)


class SharesTheStudent(Momentum):
    """Is the student, not a copy."""

    def mirror(self, student: Network, parts: Collection[str]) -> None:
        super().mirror(student, parts)
        self.network.vision = student.vision


class MirrorsEverything(Momentum):
    """Copies parts that nobody asked for."""

    def mirror(self, student: Network, parts: Collection[str]) -> None:
        self.network = copy.deepcopy(student).requires_grad_(False)
        self.train(student.training)


class PullsTheStudent(Momentum):
    """Moves the student as well."""

    @torch.no_grad()
    def update(self, student: Network, progress: Progress) -> None:
        super().update(student, progress)
        for weight in student.parameters():
            weight.mul_(0.99)


class FollowsEveryMode(Momentum):
    """Drops out with the student, whatever was asked."""

    def train(self, mode: bool = True) -> FollowsEveryMode:
        nn.Module.train(self, mode)
        return self


class CountsItsUpdates(Momentum):
    """Follows more slowly the longer it has been in memory."""

    updates = 0

    def update(self, student: Network, progress: Progress) -> None:
        self.updates += 1
        if self.updates != 3:
            super().update(student, progress)


OBJECTIVES = {
    WaitsForTheDevice: "waits-for-no-device",
    ListsItsAnswers: "waits-for-no-device",
    AlwaysAsksTheStudent: "teacher-answers-the-same-question",
    LearnsThroughTheTeacher: "teacher-answers-the-same-question",
    CannotBeTempered: "teacher-answers-the-same-question",
    EditsFusedPairs: "shared-tokens-stay-as-they-are",
    EditsTheBatch: "shared-tokens-stay-as-they-are",
    HidesByChance: "choices-come-from-the-step",
    ReadsInSecret: "declares-what-it-reads",
    NeverAsksItsHead: "every-weight-learns",
    LearnsItsWeights: "pairs-are-rows-of-views",
    PairsStrangers: "pairs-are-rows-of-views",
    CountsItsAnswers: "predict-changes-nothing",
    ForgetsItsMargin: "state-dict-holds-everything",
    MixesInFloat32: "works-in-bfloat16",
    DividesByNothing: "loss-is-finite-with-a-gradient",
}
TEACHERS = {
    TrainableTeacher: "takes-no-gradient",
    SharesTheStudent: "shares-no-weights",
    MirrorsEverything: "begins-as-the-student",
    PullsTheStudent: "update-leaves-the-student-alone",
    FollowsEveryMode: "drops-out-only-if-asked",
    CountsItsUpdates: "state-dict-holds-everything",
}
