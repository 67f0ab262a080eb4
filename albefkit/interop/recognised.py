"""What a released checkpoint is, as far as its tensors and its file say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from albefkit.interop.layouts import NLVR_ASSIGN, PRETRAIN, Layout, layout_of
from albefkit.interop.released import TEMPERATURE, from_released
from albefkit.interop.released_names import POSITION_IDS, STUDENT, TEACHER, TIED, twin
from albefkit.interop.released_shape import ReleasedShape, expected_names, shape_of
from albefkit.registry.errors import ComponentError, Problem

SPARE = frozenset({"image_queue", "text_queue", "queue_ptr", "idx_queue"})
"""What a network does without."""
LARGE, SMALL = "cc12m", "4M"
"""In the names of files: of the data that 14M images have and 4M have not; of the checkpoint."""


@dataclass(frozen=True)
class Recognised:
    """A released checkpoint.

    Args:
        path: its file.
        layout: the task whose network it holds.
        shape: what that measures.
        ours: its tensors by name in a `Pretrainer`.
        missing: names that the released code gives such a network and that are not there.
        unknown: names that it does not give it.
        beside: what the file holds beside the state dict: `epoch`, `config`, and the like.
    """

    path: Path
    layout: Layout
    shape: ReleasedShape
    ours: Mapping[str, Tensor]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    beside: Mapping[str, Any]

    @property
    def taught(self) -> bool:
        """Whether a teacher is there."""
        return any(name.startswith(TEACHER) for name in self.ours)

    @property
    def temperature(self) -> float | None:
        """Of the shared space, or None where there is none."""
        found = self.ours.get(TEMPERATURE)
        return None if found is None else found.item()

    @property
    def pretraining(self) -> str:
        """Whether it was pre-trained on 4M or on 14M images, and how that is known."""
        config = self.beside.get("config")
        files = config.get("train_file") if isinstance(config, Mapping) else None
        if files and self.layout in (PRETRAIN, NLVR_ASSIGN):
            size = "14M" if LARGE in str(files) else "4M"
            return f"{size} images, by the data files that its configuration names"
        if SMALL in self.path.name:
            return "4M images, if the name of the file is right: its tensors do not say"
        return "4M or 14M images: cannot be told, neither tensors nor configuration say"

    def require_whole(self) -> Recognised:
        """Insist that everything is there that a student needs.

        Raises:
            ComponentError: what is not.
        """
        lost = [name for name in self.missing if not twin(name).teacher and name not in SPARE]
        if lost:
            listed = "".join(f"\n  {name}" for name in lost)
            message = f"a checkpoint for {self.layout.name}, but not whole: without{listed}"
            raise ComponentError(Problem("", str(self.path), message))
        return self


def is_ours(tensors: Mapping[str, Tensor]) -> bool:
    """Whether names are those of a `Pretrainer`."""
    return any(name.startswith(STUDENT) for name in tensors)


def recognise(
    path: Path, tensors: Mapping[str, Tensor], beside: Mapping[str, Any] | None = None
) -> Recognised:
    """Look at a state dict with released names.

    Args:
        path: its file.
        tensors: the state dict.
        beside: what else the file holds.

    Raises:
        ComponentError: it is not one of the released code.
    """
    try:
        ours = from_released(tensors)
        layout = layout_of(ours)
        shape = shape_of(tensors)
    except ComponentError as error:
        raise ComponentError(
            [Problem("", str(path), each.message, each.hint) for each in error.problems]
        ) from error
    if layout is None:
        message = "has no head of any task of the released code"
        raise ComponentError(Problem("", str(path), message))
    expected = expected_names(layout, shape)
    missing = {name for name in expected - tensors.keys() if not _needless(name)}
    unknown = {name for name in tensors.keys() - expected if not _needless(name)}
    return Recognised(
        path, layout, shape, ours, tuple(sorted(missing)), tuple(sorted(unknown)), beside or {}
    )


def _needless(name: str) -> bool:
    """Whether a tensor can be made from others: it matters to nobody whether it is there."""
    plain = twin(name).name
    return plain in POSITION_IDS or plain in TIED
