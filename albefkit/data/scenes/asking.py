"""Questions about a scene, each with one short answer.

Whatever a question names is in the scene and nothing else fits it, so that the answer is certain.
No answer says left or right: where pictures are mirrored, only the words of the question follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from albefkit.data.scenes.phrases import RELATIONS, Dice, perhaps, relation, with_article
from albefkit.data.scenes.words import COLOURS, NUMBERS, PLURALS, SHAPES
from albefkit.data.scenes.world import SceneObject

ROLLS = 24
"""How many uniform numbers a question may use."""

MOST_ALIKE = 3
"""So many things are counted at most."""

COUNTS = ("one", *(NUMBERS[number] for number in range(2, MOST_ALIKE + 1)))

ANSWERS = tuple(sorted({*COLOURS, *SHAPES, *COUNTS, "yes", "no", "above", "below"}))
"""All there are."""

_OPPOSITES = {"left": "right", "right": "left", "above": "below", "below": "above"}

_COLOUR = ("what colour is the {shape}?", "which colour is the {shape}?")
_SHAPE = ("what shape is the {colour} thing?", "which shape is {colour}?")
_PRESENCE = ("is there {thing}?", "is {thing} in the picture?")
_NUMBER = ("how many {things} are there?", "how many {things} are in the picture?")


class Question(NamedTuple):
    """A question and its answer.

    Args:
        text: the question.
        answer: one of `ANSWERS`.
        kind: one of `KINDS`.
    """

    text: str
    answer: str
    kind: str


def ask(kind: str, objects: Sequence[SceneObject], dice: Dice) -> Question:
    """A question of a kind, or where the scene allows none, of another one about the same scene.

    Args:
        kind: one of `KINDS`.
        objects: no two with one shape or one colour, but where things are to be counted: there some
            share with the first its shape or its colour.
        dice: for all choices.
    """
    for each in (kind, *_INSTEAD):
        if said := _KINDS[each](objects, dice):
            return Question(*said, each)
    raise AssertionError("a colour can always be asked for")


def _colour(objects: Sequence[SceneObject], dice: Dice) -> tuple[str, str]:
    one = dice.pick(objects)
    return dice.pick(_COLOUR).format(shape=one.shape), one.colour


def _shape(objects: Sequence[SceneObject], dice: Dice) -> tuple[str, str]:
    one = dice.pick(objects)
    return dice.pick(_SHAPE).format(colour=one.colour), one.shape


def _presence(objects: Sequence[SceneObject], dice: Dice) -> tuple[str, str]:
    """Of a colour, of a shape, or of both together; then what is not there has the colour of one
    thing, and half the time the shape of another.
    """
    template, there = dice.pick(_PRESENCE), dice.chance(0.5)
    one = dice.pick(objects)
    others = [other.shape for other in objects if other is not one]
    absent = [shape for shape in SHAPES if shape not in (one.shape, *others)]
    if dice.chance(0.5):
        shape = dice.pick(others if others and dice.chance(0.5) else absent)
        words = [one.colour, one.shape if there else shape]
    elif dice.chance(0.5):
        words = [one.shape if there else dice.pick(absent)]
    else:
        colours = {each.colour for each in objects}
        without = [colour for colour in COLOURS if colour not in colours]
        words = [one.colour if there else dice.pick(without), "thing"]
    return template.format(thing=with_article(words)), "yes" if there else "no"


def _number(objects: Sequence[SceneObject], dice: Dice) -> tuple[str, str]:
    """Of things that share what the first one shares with others; either, if it is with none."""
    first = objects[0]
    shapes = sum(one.shape == first.shape for one in objects)
    colours = sum(one.colour == first.colour for one in objects)
    by_shape = shapes > colours or (shapes == colours and dice.chance(0.5))
    things = PLURALS[first.shape] if by_shape else f"{first.colour} things"
    return dice.pick(_NUMBER).format(things=things), COUNTS[max(shapes, colours) - 1]


def _vertical(objects: Sequence[SceneObject], dice: Dice) -> tuple[str, str] | None:
    if not (pairs := _pairs(objects, "above", "below")):
        return None
    one, found, other = dice.pick(pairs)
    return f"is {_the(one)} above or below {_the(other)}?", found


def _side(objects: Sequence[SceneObject], dice: Dice) -> tuple[str, str] | None:
    if not (pairs := _pairs(objects, "left", "right")):
        return None
    one, found, other = dice.pick(pairs)
    so = dice.chance(0.5)
    words = dice.pick(RELATIONS[found if so else _OPPOSITES[found]])
    return f"is {_the(one)} {words} {_the(other)}?", "yes" if so else "no"


def _neighbour(objects: Sequence[SceneObject], dice: Dice) -> tuple[str, str] | None:
    """Among three or more: with two, it would be the other one whatever the relation."""
    if len(objects) < 3 or not (pairs := list(_only_ones(objects))):
        return None
    one, found, other = dice.pick(pairs)
    return f"what shape is {dice.pick(RELATIONS[found])} {_the(other)}?", one.shape


def _pairs(
    objects: Sequence[SceneObject], *wanted: str
) -> list[tuple[SceneObject, str, SceneObject]]:
    return [
        (one, found, other)
        for one in objects
        for other in objects
        if one is not other and (found := relation((one,), (other,))) in wanted and found
    ]


def _only_ones(
    objects: Sequence[SceneObject],
) -> Iterator[tuple[SceneObject, str, SceneObject]]:
    """Pairs of which the first is the only one that stands so to the second."""
    for one, found, other in _pairs(objects, *RELATIONS):
        rivals = [each for each in objects if each is not one and each is not other]
        if not any(perhaps(found, rival, other) for rival in rivals):
            yield one, found, other


def _the(one: SceneObject) -> str:
    return f"the {one.colour} {one.shape}"


_KINDS: dict[str, Callable[[Sequence[SceneObject], Dice], tuple[str, str] | None]] = {
    "colour": _colour,
    "shape": _shape,
    "presence": _presence,
    "number": _number,
    "vertical": _vertical,
    "side": _side,
    "neighbour": _neighbour,
}
_INSTEAD = ("vertical", "side", "colour")

KINDS = tuple(_KINDS)
"""Colour of a shape, shape of a colour, is there, how many, above or below, left of or right of,
and what is there beside something.
"""
