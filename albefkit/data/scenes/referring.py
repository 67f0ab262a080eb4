"""Expressions that each single out one object of a scene: "the small red circle"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from albefkit.data.scenes.phrases import RELATIONS, Dice, perhaps, relation
from albefkit.data.scenes.words import SIZE_WORDS
from albefkit.data.scenes.world import SceneObject

ATTRIBUTES, RELATION = "attributes", "relation"

PARTS = (ATTRIBUTES, RELATION)
"""The two kinds of expressions: by an object's own looks, or by where it stands to another."""

ROLLS = 8
"""How many uniform numbers an expression may use."""


class Noun(NamedTuple):
    """What an expression says of an object's looks.

    Args:
        shape: always said.
        colour: or None.
        size: or None.
    """

    shape: str
    colour: str | None = None
    size: str | None = None

    def fits(self, one: SceneObject) -> bool:
        """Whether this is true of an object."""
        wrong_colour = self.colour is not None and self.colour != one.colour
        wrong_size = self.size is not None and self.size != one.size
        return one.shape == self.shape and not wrong_colour and not wrong_size

    def said(self, dice: Dice) -> str:
        """In words, with the definite article."""
        size = "" if self.size is None else dice.pick(SIZE_WORDS[self.size])
        return " ".join(["the", *(word for word in (size, self.colour, self.shape) if word)])


class Reference(NamedTuple):
    """An expression and what it refers to.

    Args:
        text: the expression.
        target: which object of the scene.
        part: one of `PARTS`.
    """

    text: str
    target: int
    part: str


def refer(
    objects: Sequence[SceneObject], target: int, dice: Dice, relations: float
) -> Reference | None:
    """An expression that is true of one object of a scene and of no other; None if there is none.

    Args:
        objects: of the scene.
        target: which of them.
        dice: makes the choices.
        relations: how often the expression says where the object stands, if either kind could
            single it out. It does so, if that can be, in words that need it.
    """
    own = [noun for noun in _full(objects[target]) if _only(noun, objects) == target]
    stands = list(_standing(objects, target))
    telling = [each for each in stands if _only(each[0], objects) != target]
    if not own and not stands:
        return None
    if dice.chance(1 - relations if stands else 1.0) and own:
        return Reference(dice.pick(own).said(dice), target, ATTRIBUTES)
    noun, found, anchor = dice.pick(telling or stands)
    text = f"{noun.said(dice)} {dice.pick(RELATIONS[found])} {anchor.said(dice)}"
    return Reference(text, target, RELATION)


def _full(one: SceneObject) -> list[Noun]:
    """Colour and shape, and the size where it has a word."""
    nouns = [Noun(one.shape, one.colour)]
    return nouns if SIZE_WORDS[one.size] == ("",) else [*nouns, nouns[0]._replace(size=one.size)]


def _only(noun: Noun, objects: Sequence[SceneObject]) -> int | None:
    """The one object that a noun fits, or None."""
    fitting = [place for place, one in enumerate(objects) if noun.fits(one)]
    return fitting[0] if len(fitting) == 1 else None


def _standing(objects: Sequence[SceneObject], target: int) -> Iterator[tuple[Noun, str, Noun]]:
    """What singles an object out by where it stands: a noun, a relation, another object's noun."""
    one = objects[target]
    for place, other in enumerate(objects):
        found = None if place == target else relation((one,), (other,))
        if found is None:
            continue
        anchors = [noun for noun in _full(other) if _only(noun, objects) == place]
        for noun in (Noun(one.shape), Noun(one.shape, one.colour)):
            rivals = [r for i, r in enumerate(objects) if i not in (target, place) and noun.fits(r)]
            if not any(perhaps(found, rival, other) for rival in rivals):
                yield from ((noun, found, anchor) for anchor in anchors)
