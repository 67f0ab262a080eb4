"""Starting from another network's weights: a run's, or those of a released checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from albefkit.alignment.space import NoSpace, Space
from albefkit.distill.teacher import NoTeacher, Teacher
from albefkit.engine.checkpoint import WEIGHTS, Checkpoints
from albefkit.engine.run_directory import RunDirectory
from albefkit.interop.recognised import is_ours
from albefkit.interop.released import TEMPERATURE, fit_positions, from_released
from albefkit.interop.released_names import STUDENT, TEACHER
from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.weights import read_tensors
from albefkit.network import Network
from albefkit.objectives.base import Objective
from albefkit.registry.errors import ComponentError, Problem

FUSION = "fusion."
BACKBONE = ("vision.", "text.", FUSION)


@dataclass(frozen=True)
class Ancestor:
    """Weights to start from.

    Args:
        path: where they are.
        student: tensors by name in a `Network`.
        teacher: likewise, of its teacher; empty where it had none.
        temperature: of its shared space, or None.
        tokenizer: the run's tokenizer, whose ids the word embeddings are for; None where unknown.
    """

    path: Path
    student: Mapping[str, Tensor]
    teacher: Mapping[str, Tensor]
    temperature: Tensor | None
    tokenizer: Path | None

    def begin(
        self, student: Network, space: Space | NoSpace, objectives: Mapping[str, Objective]
    ) -> LoadReport:
        """Fill a student, and the temperature; keys stay behind, they are another training's.

        Raises:
            ComponentError: a tensor of an encoder or of fusion is not there, or does not fit.
        """
        report = self._fill(student, self.student, objectives)
        if isinstance(space, Space) and self.temperature is not None:
            with torch.no_grad():
                space.temperature.copy_(self.temperature)
        return report.require(
            name for name, _ in student.named_parameters() if name.startswith(BACKBONE)
        )

    def begin_teacher(
        self, teacher: Teacher | NoTeacher, objectives: Mapping[str, Objective]
    ) -> None:
        """Fill a teacher that has mirrored the student; what the other one's lacks stays so."""
        self._fill(teacher.network, self.teacher, objectives)

    def _fill(
        self,
        network: Network,
        tensors: Mapping[str, Tensor],
        objectives: Mapping[str, Objective],
    ) -> LoadReport:
        found = {name: tensor for name, tensor in tensors.items() if not _adapted(name)}
        if network.fusion is not None:
            theirs = {
                name.removeprefix(FUSION): tensor
                for name, tensor in tensors.items()
                if name.startswith(FUSION)
            }
            inherited = network.fusion.inherit(theirs)
            found |= {f"{FUSION}{name}": tensor for name, tensor in inherited.items()}
        for head in network.heads:
            inherited = objectives[head].inherit(tensors)
            found |= {f"heads.{head}.{name}": tensor for name, tensor in inherited.items()}
        return load_tensors(network, found, source=str(self.path), fit=fit_positions)


def read_ancestor(path: str | Path) -> Ancestor:
    """Read weights to start from.

    Args:
        path: a run's folder (its best checkpoint, else its last), a checkpoint's folder, or a file
            of tensors with released names or ours.

    Raises:
        ComponentError: there is nothing to start from, or reading it would execute code.
    """
    path = Path(path).expanduser()
    tensors = read_state(path)
    parts = {
        part: {
            name.removeprefix(part): tensor
            for name, tensor in tensors.items()
            if name.startswith(part)
        }
        for part in (STUDENT, TEACHER)
    }
    tokenizer = next(
        (file for folder in (path, path.parent.parent) if (file := _tokenizer(folder))), None
    )
    return Ancestor(
        path=path,
        student=parts[STUDENT],
        teacher=parts[TEACHER],
        temperature=tensors.get(TEMPERATURE),
        tokenizer=tokenizer,
    )


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a run, a checkpoint or a file, by name in a `Pretrainer`.

    Raises:
        ComponentError: there are none.
    """
    file = weights_file(path)
    tensors = read_tensors(file)
    return tensors if is_ours(tensors) else from_released(tensors)


def weights_file(path: Path) -> Path:
    """Where a run (its best checkpoint, else its last), a checkpoint or a path has its tensors.

    Raises:
        ComponentError: nowhere.
    """
    if path.is_file():
        return path
    checkpoints = Checkpoints(RunDirectory(path).checkpoints, 1)
    checkpoint = checkpoints.best() or checkpoints.last()
    file = (checkpoint.path if checkpoint else path) / WEIGHTS
    if file.is_file():
        return file
    message = "holds no weights" if path.exists() else "does not exist"
    hint = "Give a run's folder, a checkpoint's folder, or a .safetensors or .pth file."
    raise ComponentError(Problem("", str(path), message, hint))


def _adapted(name: str) -> bool:
    """Whether a component decides what to make of a tensor."""
    return name.startswith((FUSION, "heads."))


def _tokenizer(folder: Path) -> Path | None:
    file = RunDirectory(folder).tokenizer
    return file if file.is_file() else None
