"""Sentences about one thing of a scene, part of which is behind a curtain.

What is said of a thing that is seen is true or false. A thing that is hidden may well be as the
sentence says, or not: nobody can tell. What words a sentence is made of does not depend on this.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from albefkit.data.scenes.phrases import Dice, with_article
from albefkit.data.scenes.words import COLOURS, SHAPES
from albefkit.data.scenes.world import SceneObject

CONTRADICTION, NEUTRAL, ENTAILMENT = "contradiction", "neutral", "entailment"

SIDES = ("left", "right", "top", "bottom")
"""What a curtain may hide, each half of the picture."""

ROLLS = 8
"""How many uniform numbers a claim may use."""

_COLOUR = ("the {shape} is {colour}", "the colour of the {shape} is {colour}")
_SHAPE = ("the {colour} thing is {a_shape}", "the shape of the {colour} thing is {a_shape}")
_PLACE = ("the {shape} is {place}", "the {colour} thing is {place}")
_FORMS = ("colour", "shape", "place")
_PLACES = {
    "left": "on the left side",
    "right": "on the right side",
    "top": "at the top",
    "bottom": "at the bottom",
}
_FOLDS, _LIGHT, _DARK = 8, (112, 62, 58), (78, 40, 40)


def claim(objects: Sequence[SceneObject], hidden: str, label: str, dice: Dice) -> str:
    """A sentence with a label.

    Args:
        objects: of the scene, no two with one shape or one colour; some are hidden, some not.
        hidden: the side behind the curtain.
        label: `CONTRADICTION`, `NEUTRAL` or `ENTAILMENT`.
        dice: for all choices.
    """
    form, behind = dice.pick(_FORMS), label == NEUTRAL
    one = dice.pick([each for each in objects if on_side(each, hidden) == behind])
    so = dice.chance(0.5) if behind else label == ENTAILMENT
    others = [each for each in objects if each is not one]
    if form == "colour":
        colour = one.colour if so else _other(COLOURS, one.colour, [o.colour for o in others], dice)
        return dice.pick(_COLOUR).format(shape=one.shape, colour=colour)
    if form == "shape":
        shape = one.shape if so else _other(SHAPES, one.shape, [o.shape for o in others], dice)
        return dice.pick(_SHAPE).format(colour=one.colour, a_shape=with_article([shape]))
    # The curtain's own side would be no secret: what is not seen is there.
    sides = ("top", "bottom") if hidden in ("left", "right") else ("left", "right")
    side = next(side for side in sides if on_side(one, side) == so)
    return dice.pick(_PLACE).format(shape=one.shape, colour=one.colour, place=_PLACES[side])


def on_side(one: SceneObject, side: str) -> bool:
    """Whether a thing's middle is on a side of the picture."""
    value = one.x if side in ("left", "right") else one.y
    return value < 0.5 if side in ("left", "top") else value > 0.5


def cover(picture: np.ndarray, side: str) -> np.ndarray:
    """A picture `(S, S, 3)` with a curtain before one of its sides."""
    size = len(picture)
    half = slice(0, size // 2) if side in ("left", "top") else slice(size // 2, size)
    covered = picture.copy()
    folds = np.arange(size) * _FOLDS * 2 // size % 2 == 0
    curtain = np.where(folds[:, None], _LIGHT, _DARK).astype(np.uint8)
    if side in ("left", "right"):
        covered[:, half] = curtain[half]
    else:
        covered[half] = curtain
    return covered


def _other(every: Sequence[str], own: str, others: Sequence[str], dice: Dice) -> str:
    """Another word than a thing's own, half the time that of another thing in the scene."""
    return dice.pick(others if dice.chance(0.5) else [each for each in every if each != own])
