"""What an ablation found: rows of a table, each a variant of a recipe."""

from __future__ import annotations

from dataclasses import dataclass, field

from albefkit.ablation.effects import Effect


@dataclass(frozen=True)
class Expense:
    """What a variant costs.

    Args:
        parameters: of student and teacher.
        trainable: those of them that learn.
        flops_per_sample: of a training step, forward and backward.
        steps: optimizer steps.
        images_per_second: median over the seeds that finished; None while none has.
        minutes: of training, likewise.
        memory: bytes at the peak, likewise.
    """

    parameters: int
    trainable: int
    flops_per_sample: float
    steps: int
    images_per_second: float | None = None
    minutes: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Curve:
    """One figure over training.

    Args:
        name: `loss/itc`, `bound/mlm`, `itc.accuracy`, `retrieval.r_mean`.
        steps: when; ascending.
        values: what, seed -> one per step.
        chance: what guessing gives, where it is known.
    """

    name: str
    steps: list[int]
    values: dict[int, list[float]]
    chance: float | None = None


@dataclass(frozen=True)
class Row:
    """One variant of the recipe.

    Args:
        name: `full`, `no mod`, `fusion: joint`.
        group: the point of the sweep it belongs to (`data.noise: 0.4`), or "" without a sweep.
        reference: the name of the row of its group that it is compared with; None for the first.
        changes: what differs from the base recipe, in the recipe's words.
        recipe: the resolved recipe, as YAML.
        expense: what it costs.
        metrics: `evaluator.metric` -> seed -> figure, percent unless its name says otherwise.
        chance: `evaluator.metric` -> what guessing gives.
        effects: `evaluator.metric` -> this row minus its reference.
        curves: over training.
        failures: seed -> why there is no figure.
    """

    name: str
    group: str
    reference: str | None
    changes: list[str]
    recipe: str
    expense: Expense
    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    chance: dict[str, float] = field(default_factory=dict)
    effects: dict[str, Effect] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)
    failures: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """All rows, and how they came about.

    Args:
        title: the base recipe's name.
        command: what was typed.
        machine: processor or GPU, cores, precision, in a few words.
        code: the version of the code.
        seeds: of every row.
        budget: what was equal for every row: steps, samples, flops or minutes.
        headline: the metric by which rows are compared first, `retrieval.r_mean`.
        sweep: the path in the recipe that was swept, or None.
        rows: in the order of the plan.
    """

    title: str
    command: str
    machine: str
    code: str
    seeds: list[int]
    budget: str
    headline: str
    sweep: str | None
    rows: list[Row]
