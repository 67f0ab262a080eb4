"""Teachers: networks that answer the student's questions and take no gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection

from torch import nn

from albefkit.network import Network
from albefkit.progress import Progress
from albefkit.registry import Registrable


class Teacher(nn.Module, Registrable, ABC, kind="teacher"):
    """A second network with the student's parts.

    It is built only when an objective or the keys ask for it.

    Args:
        dropout: keep the teacher's dropout on while the student trains, as the released code does
            (spec 2.1, item 5).
    """

    network: Network

    def __init__(self, *, dropout: bool = False) -> None:
        super().__init__()
        self.dropout = dropout

    def mirror(self, student: Network, parts: Collection[str]) -> None:
        """Become a copy of the named parts of `student` (see `Network.mirror`)."""
        self.network = student.mirror(parts)
        self.train(student.training)

    def train(self, mode: bool = True) -> Teacher:
        """Follow the student's mode only as far as `dropout` says."""
        super().train(mode and self.dropout)
        return self

    @abstractmethod
    def update(self, student: Network, progress: Progress) -> None:
        """Learn from the student, once per optimizer step, before the step is taken."""


class NoTeacher(nn.Module):
    """Stands where nobody asks a teacher: a network without parts."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Network(None, None, None, None)

    def update(self, student: Network, progress: Progress) -> None:
        """Nothing to update."""
