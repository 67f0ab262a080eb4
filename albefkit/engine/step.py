"""One training step: look, pair, predict, temper.

Nothing can be fused before alignment features exist, because hard negatives need them, and
everything to be fused is known right after: align before fuse is the schedule of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import torch

from albefkit.alignment.space import NoSpace, Space
from albefkit.distill.teacher import NoTeacher, Teacher
from albefkit.engine.forward_pass import ForwardPass
from albefkit.network import Network
from albefkit.objectives.base import Objective
from albefkit.predictions import Prediction
from albefkit.progress import Progress
from albefkit.seeding import torch_generator
from albefkit.tensors import Batch, ImageView, Pairs, TextView

T = TypeVar("T")


class Step:
    """What is known about one batch, filled phase by phase.

    Args:
        batch: on the device, but for its texts.
        progress: where training stands.
        objectives: by name, in the recipe's order.
        student: the network that learns.
        teacher: who advises.
        space: temperature and keys.
    """

    __slots__ = (
        "__weakref__",
        "_computed",
        "batch",
        "image_views",
        "objectives",
        "pairs",
        "predictions",
        "progress",
        "space",
        "student",
        "teacher",
        "views",
    )

    def __init__(
        self,
        batch: Batch,
        progress: Progress,
        objectives: Mapping[str, Objective],
        student: Network,
        teacher: Teacher | NoTeacher,
        space: Space | NoSpace,
    ) -> None:
        self.batch = batch
        self.progress = progress
        self.objectives = objectives
        self.space = space
        self.views: dict[str, TextView] = {}
        self.image_views: dict[str, ImageView] = {}
        self.pairs: dict[str, Pairs] = {}
        self.predictions: dict[str, Prediction] = {}
        self._computed: dict[Hashable, object] = {}
        self.student = ForwardPass(student, self, objectives)
        asked = [objective.asks(objectives) for objective in objectives.values()]
        with torch.no_grad():
            self.teacher = ForwardPass(teacher.network, self, frozenset().union(*asked))

    @property
    def device(self) -> torch.device:
        """Where the step is computed."""
        return self.batch.images.device

    def generator(self, name: str) -> torch.Generator:
        """Random numbers for `name` in this step.

        A function of the seed, the rank, the step and the name, so that no objective's choices
        depend on which others there are.
        """
        progress = self.progress
        return torch_generator(
            progress.seed, progress.rank, progress.step, progress.micro_step, name
        )

    def once(self, owner: Hashable, compute: Callable[[], T]) -> T:
        """What `owner` finds out about this step: computed on first use, the same ever after."""
        if owner not in self._computed:
            self._computed[owner] = compute()
        return self._computed[owner]  # type: ignore[return-value]

    def take(self) -> None:
        """Go through the four phases."""
        for name, objective in self.objectives.items():
            if (view := objective.text_view(self)) is not None:
                self.views[name] = view
            if (image_view := objective.image_view(self)) is not None:
                self.image_views[name] = image_view
        for name, objective in self.objectives.items():
            if (pairs := objective.pairs(self)) is not None:
                self.pairs[name] = pairs
        for name, objective in self.objectives.items():
            if (prediction := objective.predict(self, self.student)) is not None:
                self.predictions[name] = prediction
        for objective in self.objectives.values():
            self.predictions.update(objective.temper(self))
