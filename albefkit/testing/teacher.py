"""The contract of teachers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.distill.teacher import Teacher
from albefkit.network import Network
from albefkit.testing.comparing import expect_same, shaken, state
from albefkit.testing.contract import contract, expect
from albefkit.testing.steps import StepTrial, losses
from albefkit.testing.trial import NOW
from albefkit.testing.watching import GENERATORS, changed

READ = "albefkit.distill.teacher:Teacher"
EVERYTHING = ("vision", "text", "fusion", "projections", "heads.itm")


@dataclass(frozen=True)
class TeacherTrial(StepTrial):
    """A teacher on trial, of a whole network."""

    place = "teacher"
    company = {"objectives": {"itc": {}, "itm": {}, "mod": {"alpha": 0.5}}}  # noqa: RUF012

    def student(self, seed: int = 1) -> Network:
        """A network to learn from."""
        return self.pretrainer(seed).student

    def teacher(self, student: Network) -> Teacher:
        """A teacher that has just mirrored a network."""
        teacher = self.build()
        assert isinstance(teacher, Teacher)
        teacher.mirror(student, EVERYTHING)
        return teacher

    def says(self, network: Network) -> dict[str, Tensor]:
        """What a network says about the batch."""
        assert network.vision is not None and network.text is not None
        batch = self.batch
        with torch.no_grad():
            image = network.vision(*(batch.read(name) for name in network.vision.reads))
            text = network.text(batch.text.ids, batch.text.mask)
            features = network.image_features(image), network.text_features(text)
        return dict(zip(("image features", "text features"), features, strict=True))


@contract(READ)
def takes_no_gradient(trial: TeacherTrial) -> None:
    """No weight of a teacher takes a gradient, and no step gives it one."""
    pretrainer = trial.pretrainer(training=True)
    weights = dict(pretrainer.teacher.named_parameters())
    learning = [name for name, each in weights.items() if each.requires_grad]
    expect(not learning, f"{', '.join(learning[:4])} would be trained")
    torch.stack(list(losses(trial.taken(pretrainer)).values())).sum().backward()
    reached = [name for name, each in weights.items() if each.grad is not None]
    expect(not reached, f"a step gives {', '.join(reached[:4])} a gradient")


@contract(READ)
def begins_as_the_student(trial: TeacherTrial) -> None:
    """Having mirrored a network a teacher says the same, and has the parts that were named and no
    others.
    """
    student = trial.student()
    teacher = trial.teacher(student)
    expect_same(trial.says(student), trial.says(teacher.network.eval()), "said by its mirror")
    partly = trial.teacher(student)
    partly.mirror(student, ("vision",))
    network = partly.network
    parts = (network.text, network.fusion, network.text_projection)
    left = [type(each).__name__ for each in parts if each is not None] + list(network.heads)
    expect(not left, f"mirroring the image encoder alone also gives {', '.join(left)}")


@contract(READ)
def shares_no_weights(trial: TeacherTrial) -> None:
    """Teacher and student have no weight in common: one does not move with the other."""
    student = trial.student()
    teacher = trial.teacher(student)
    before = state(teacher)
    shaken(student, seed=7)
    expect_same(before, state(teacher), "after the student has moved", tolerance=0.0)


@contract(READ)
def update_leaves_the_student_alone(trial: TeacherTrial) -> None:
    """An update moves the teacher only, draws no random numbers and keeps every number finite."""
    student = trial.student()
    teacher = trial.teacher(student)
    shaken(student, seed=7)
    before = state(student)
    moved = changed(GENERATORS, lambda: teacher.update(student, NOW))
    expect_same(before, state(student), "after the teacher's update", tolerance=0.0)
    expect(not moved, f"{' and '.join(moved)} has moved")
    wild = [name for name, each in state(teacher).items() if not each.isfinite().all()]
    expect(not wild, f"{', '.join(wild[:4])} is not finite")
    graphs = [name for name, each in teacher.named_parameters() if each.grad_fn is not None]
    expect(not graphs, f"{', '.join(graphs[:4])} carries a graph")


@contract(READ)
def drops_out_only_if_asked(trial: TeacherTrial) -> None:
    """A teacher is in training mode only where `dropout` says so, whatever the student does."""
    teacher = trial.teacher(trial.student())
    teacher.train()
    modes = {module.training for module in teacher.network.modules()}
    expect(modes == {teacher.dropout}, f"dropout is {teacher.dropout}, training is {sorted(modes)}")
    teacher.eval()
    modes = {module.training for module in teacher.network.modules()}
    expect(modes == {False}, "it trains in evaluation mode")


@contract(READ)
def state_dict_holds_everything(trial: TeacherTrial) -> None:
    """A teacher whose state_dict is loaded equals the other one, then and after an update."""
    student = trial.student()
    teacher = trial.teacher(student)
    shaken(student, seed=7)
    for _ in range(2):
        teacher.update(student, NOW)
    other = trial.teacher(trial.student(seed=2))
    other.load_state_dict(teacher.state_dict())
    for when in ("after its state_dict was loaded into another", "after another update"):
        expect_same(state(teacher), state(other), when)
        teacher.update(student, NOW)
        other.update(student, NOW)


CONTRACTS = (
    takes_no_gradient,
    begins_as_the_student,
    shares_no_weights,
    update_leaves_the_student_alone,
    drops_out_only_if_asked,
    state_dict_holds_everything,
)
