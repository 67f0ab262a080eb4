"""The plan of an ablation: what will be run, what it costs, what is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from albefkit.ablation.budgets import Budget, equal_steps
from albefkit.ablation.cells import Cell
from albefkit.ablation.code_version import code_version
from albefkit.ablation.expenses import Estimate, estimate
from albefkit.ablation.variants import Variant
from albefkit.engine.devices import DeviceName
from albefkit.recipe.diff import Difference, diff
from albefkit.recipe.load import Recipe
from albefkit.registry.errors import AlbefkitError


@dataclass(frozen=True)
class PlannedRow:
    """One variant with all its runs.

    Args:
        variant: which.
        recipe: with its budget, and the first seed.
        changes: what differs from the first variant of its group, in the recipe's words.
        estimate: what it costs; None where it cannot be built.
        cells: its runs, by seed; none where it cannot be built.
        problem: why it cannot be built, or an empty text.
    """

    variant: Variant
    recipe: Recipe
    changes: list[Difference]
    estimate: Estimate | None
    cells: dict[int, Cell]
    problem: str = ""

    @property
    def steps(self) -> int:
        """Optimizer steps of each of its runs; 0 where it cannot be built."""
        if self.estimate is None:
            return 0
        train = self.recipe.settings.train
        return train.steps or self.estimate.steps

    @property
    def seconds_left(self) -> float:
        """Estimate of the training that is still to be done."""
        if self.estimate is None:
            return 0.0
        left = sum(not cell.finished for cell in self.cells.values())
        return left * self.steps * self.estimate.seconds_per_step


@dataclass(frozen=True)
class Plan:
    """All rows of an ablation.

    Args:
        rows: in the order of the table.
        seeds: of every row.
        budget: what is equal for every row; None: each trains as long as it says.
        folder: where everything is kept.
    """

    rows: list[PlannedRow]
    seeds: list[int]
    budget: Budget | None
    folder: Path

    @property
    def memory(self) -> int:
        """Bytes that any one run may take."""
        return max((row.estimate.memory for row in self.rows if row.estimate), default=0)

    def cells(self) -> list[Cell]:
        """All runs, seed by seed, so that an early end leaves whole comparisons."""
        return [row.cells[seed] for seed in self.seeds for row in self.rows if seed in row.cells]


def make_plan(
    variants: Sequence[Variant],
    seeds: Sequence[int],
    budget: Budget | None,
    device: DeviceName,
    folder: Path,
) -> Plan:
    """Build each variant once to see that it can be built and what it costs.

    Args:
        variants: the first is what the others' changes and budgets are told from.
        seeds: of every variant.
        budget: what is equal for every variant; None: each trains as long as it says.
        device: where they will run.
        folder: where everything is kept.

    Raises:
        AlbefkitError: the first variant cannot be built.
    """
    reference = _estimate(variants[0].recipe(), device, folder)
    rows: list[PlannedRow] = []
    firsts: dict[str, Recipe] = {}
    for variant in variants:
        recipe = variant.recipe()
        changes = diff(firsts.setdefault(variant.group, recipe).resolved, recipe.resolved)
        try:
            ours = _estimate(recipe, device, folder)
        except AlbefkitError as error:
            rows.append(PlannedRow(variant, recipe, changes, None, {}, str(error)))
            continue
        edits = [f"train.steps={equal_steps(budget, ours, reference)}"] if budget else []
        cells = {
            seed: Cell(variant, seed, variant.recipe(*edits, f"train.seed={seed}"), folder / "runs")
            for seed in seeds
        }
        rows.append(PlannedRow(variant, variant.recipe(*edits), changes, ours, cells))
    return Plan(rows, list(seeds), budget, folder)


def _estimate(recipe: Recipe, device: DeviceName, folder: Path) -> Estimate:
    code = code_version(recipe.components())
    return estimate(recipe, device, folder / "estimates" / f"{recipe.hash[:12]}-{code}.json")
