"""The kinds of component: which base class each has, and the version of the contract."""

from __future__ import annotations

CONTRACT_VERSION = 1

KINDS: dict[str, str] = {
    "vision": "albefkit.vision.base:VisionEncoder",
    "text": "albefkit.text.base:TextEncoder",
    "fusion": "albefkit.fusion.base:Fusion",
    "keys": "albefkit.alignment.keys:Keys",
    "negatives": "albefkit.objectives.negatives:Negatives",
    "objective": "albefkit.objectives.base:Objective",
    "teacher": "albefkit.distill.teacher:Teacher",
    "schedule": "albefkit.distill.schedules:Schedule",
    "optimizer": "albefkit.engine.optimizers:OptimizerRecipe",
    "dataset": "albefkit.data.base:Dataset",
    "evaluator": "albefkit.evaluation.base:Evaluator",
}


def group(kind: str) -> str:
    """The entry-point group of a kind: it carries the contract's version."""
    return f"albefkit.v{CONTRACT_VERSION}.{kind}"
