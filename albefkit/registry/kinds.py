"""The kinds of component: which base class each has, what it is for, and the contract's version."""

from __future__ import annotations

from typing import NamedTuple

CONTRACT_VERSION = 1


class Kind(NamedTuple):
    """One kind of component.

    Args:
        base: where its base class is, `module:Class`.
        meaning: what a component of this kind does, in a line.
    """

    base: str
    meaning: str


KINDS: dict[str, Kind] = {
    "vision": Kind("albefkit.vision.base:VisionEncoder", "reads images into tokens"),
    "text": Kind("albefkit.text.base:TextEncoder", "reads words into tokens, owns the tokenizer"),
    "fusion": Kind("albefkit.fusion.base:Fusion", "lets the words of a pair look at its image"),
    "keys": Kind("albefkit.alignment.keys:Keys", "what a pair is told apart from in ITC"),
    "negatives": Kind("albefkit.objectives.negatives:Negatives", "picks pairs that do not match"),
    "objective": Kind("albefkit.objectives.base:Objective", "a question put to the network"),
    "teacher": Kind("albefkit.distill.teacher:Teacher", "a second network that answers too"),
    "schedule": Kind("albefkit.distill.schedules:Schedule", "a number that changes with time"),
    "optimizer": Kind("albefkit.engine.optimizers:OptimizerRecipe", "how the weights are moved"),
    "dataset": Kind("albefkit.data.base:Dataset", "images with their texts, in splits"),
    "evaluator": Kind("albefkit.evaluation.base:Evaluator", "measures what was learned"),
}


def group(kind: str) -> str:
    """The entry-point group of a kind: it carries the contract's version."""
    return f"albefkit.v{CONTRACT_VERSION}.{kind}"
