"""What a trained model can be asked, and what teaches it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from albefkit.objectives.answer import Answer
from albefkit.objectives.base import Objective
from albefkit.objectives.classification import Classification
from albefkit.objectives.itm import ITM

Ability = Literal["similarity", "match", "classify", "answer", "ground"]


class Lesson(NamedTuple):
    """What has to be learnt.

    Args:
        needs: what a model has that learnt it, for messages.
        objective: whose head answers; None where none is needed.
        recipe: a shipped one that teaches it.
    """

    needs: str
    objective: type[Objective] | None
    recipe: str


LESSONS: dict[Ability, Lesson] = {
    "similarity": Lesson("shared space of images and texts", None, "recipes/albef_tiny.yaml"),
    "match": Lesson("matching head", ITM, "recipes/albef_tiny.yaml"),
    "classify": Lesson("classification head", Classification, "recipes/downstream/entailment.yaml"),
    "answer": Lesson("answer head", Answer, "recipes/downstream/vqa.yaml"),
    "ground": Lesson("matching head", ITM, "recipes/downstream/grounding.yaml"),
}
