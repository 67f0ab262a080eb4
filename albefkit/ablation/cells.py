"""One run of an ablation: a variant with a seed, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from albefkit.ablation.code_version import code_version
from albefkit.ablation.variants import Variant
from albefkit.engine.files import write_text
from albefkit.engine.run_directory import RunDirectory
from albefkit.recipe.load import Recipe

LAST_LINES = 8
"""Of a failed run's output that are shown, where it does not say what is wrong."""


@dataclass(frozen=True)
class Cell:
    """A variant with a seed.

    Args:
        variant: which.
        seed: of the run.
        recipe: with its seed and its budget.
        below: the folder that the runs of this ablation lie in.
    """

    variant: Variant
    seed: int
    recipe: Recipe
    below: Path

    @cached_property
    def folder(self) -> Path:
        """Where the run is: equal for equal recipes and equal code, whatever they are called."""
        code = code_version(self.recipe.components())
        return self.below / f"{self.recipe.hash[:12]}-{code}-s{self.seed}"

    @property
    def label(self) -> str:
        """What to call it."""
        name = f"{self.variant.name} at {self.variant.group}" if self.variant.group else None
        return f"{name or self.variant.name}, seed {self.seed}"

    @property
    def run(self) -> RunDirectory:
        """The run itself."""
        return RunDirectory(self.folder / "run")

    @property
    def output(self) -> Path:
        """What the run said."""
        return self.folder / "output.txt"

    @property
    def finished(self) -> bool:
        """Whether there are results."""
        return self.run.status == "done"

    def start(self, device: str, variables: dict[str, str]) -> subprocess.Popen[bytes]:
        """Begin the run, or go on with it, in a process of its own.

        Args:
            device: as `albefkit run --device`.
            variables: of its environment, beside ours.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        recipe = self.folder / f"{self.recipe.name}.yaml"
        write_text(recipe, self.recipe.to_yaml())
        parent = str(os.getpid())
        command = [sys.executable, "-m", "albefkit.cli.cell", parent, str(self.folder), str(recipe)]
        with self.output.open("ab") as output:
            return subprocess.Popen(
                [*command, "--device", device],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables},
            )

    def last_words(self) -> str:
        """The end of what a failed run said."""
        if not self.output.is_file():
            return "not begun"
        text = self.output.read_text(encoding="utf-8", errors="replace")
        _, found, said = text.rpartition("albefkit: ")
        return (said if found else "\n".join(text.splitlines()[-LAST_LINES:])).strip()
