"""Checkpoints: weights in safetensors, everything else loadable without running code."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import nn

from albefkit.engine.files import read_json, write_json, write_text
from albefkit.registry.errors import DataError, Problem

WEIGHTS, STATE, META = "model.safetensors", "state.pt", "meta.json"


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint on disk.

    Args:
        path: its folder.
    """

    path: Path

    def meta(self) -> dict[str, Any]:
        """What is known about it without loading weights."""
        return read_json(self.path / META)

    def load(self, module: nn.Module, device: torch.device) -> dict[str, Any]:
        """Fill `module` with the saved weights and buffers; return the rest of the state.

        Raises:
            DataError: the checkpoint is damaged or belongs to another network.
        """
        try:
            load_model(module, self.path / WEIGHTS)
            return torch.load(self.path / STATE, map_location=device, weights_only=True)
        except (OSError, RuntimeError, SafetensorError, EOFError, UnpicklingError) as error:
            message = f"this checkpoint cannot be loaded: {str(error).splitlines()[0]}"
            raise DataError(Problem("", str(self.path), message)) from error


class Checkpoints:
    """The checkpoints of a run: the last few, and the best.

    `last` and `best` are small files that hold the name of a checkpoint's folder.

    Args:
        folder: where they are.
        keep: how many of the last to keep, at least 1; the best is kept besides.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self.keep = keep

    def save(
        self, step: int, module: nn.Module, state: dict[str, Any], meta: dict[str, Any]
    ) -> Checkpoint:
        """Write a checkpoint; it appears whole, and `last` names it afterwards.

        Raises:
            DataError: it cannot be written.
        """
        final = self.folder / f"step_{step:08d}"
        beside = self.folder / f".{final.name}.{os.getpid()}.tmp"
        try:
            beside.mkdir(parents=True)
            save_model(module, str(beside / WEIGHTS), metadata={"step": str(step)})
            torch.save(state, beside / STATE)
            write_json(beside / META, {"step": step, **meta})
            shutil.rmtree(final, ignore_errors=True)  # what a crash left of the same step
            beside.rename(final)
            write_text(self.folder / "last", final.name + "\n")
        except (OSError, RuntimeError, SafetensorError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            message = f"this checkpoint cannot be written: {str(error).splitlines()[0]}"
            raise DataError(Problem("", str(final), message)) from error
        self._prune()
        return Checkpoint(final)

    def mark_best(self, checkpoint: Checkpoint) -> None:
        """Let `best` name a checkpoint."""
        write_text(self.folder / "best", checkpoint.path.name + "\n")
        self._prune()

    def last(self) -> Checkpoint | None:
        """The newest checkpoint, or None."""
        return self._named("last")

    def best(self) -> Checkpoint | None:
        """The checkpoint with the best score on the validation split, or None."""
        return self._named("best")

    def _named(self, pointer: str) -> Checkpoint | None:
        file = self.folder / pointer
        if not file.is_file():
            return None
        path = self.folder / file.read_text(encoding="utf-8").strip()
        return Checkpoint(path) if (path / META).is_file() else None

    def _prune(self) -> None:
        named = {file.path for file in (self.last(), self.best()) if file is not None}
        steps = sorted(path for path in self.folder.glob("step_*") if path.is_dir())
        for path in steps[: -self.keep]:
            if path not in named:
                shutil.rmtree(path, ignore_errors=True)
