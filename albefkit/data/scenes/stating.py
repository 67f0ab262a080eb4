"""What can be stated of one or two pictures, and when it is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from albefkit.data.scenes.phrases import Dice, with_article
from albefkit.data.scenes.words import COLOURS, NUMBERS, PLURALS, SHAPES, SIZE_WORDS, SIZES
from albefkit.data.scenes.world import SceneObject, World

Counts = Sequence[int]
"""How many objects of the kind spoken of each picture has."""

SIDES = {"left": "right", "right": "left"}
"""Of two pictures the first hangs on the left: a side, and the other one."""

_TOTALS = (2, 3, 4)


class Form(NamedTuple):
    """Statements of one form.

    Args:
        name: what to call them.
        templates: `{one}` is a thing with its article, `{no}` without, `{many}` several; `{side}`
            is the picture that comes first in the counts, `{other}` the other one.
        holds: whether such a statement is true, given the counts and `{number}`.
        share: how often it is said, compared with the others.
        counting: whether more is asked of a picture than whether it has the thing at all.
    """

    name: str
    templates: tuple[str, ...]
    holds: Callable[[Counts, int], bool]
    share: int = 1
    counting: bool = False


_OF_ONE = (
    Form(
        "some",
        ("the picture shows {one}", "there is {one} in the picture"),
        lambda counts, _: counts[0] > 0,
        share=3,
    ),
    Form(
        "none",
        ("the picture shows no {no}", "there is no {no} in the picture"),
        lambda counts, _: counts[0] == 0,
    ),
    Form(
        "number",
        ("the picture shows exactly {number} {many}", "exactly {number} {many} are shown"),
        lambda counts, number: counts[0] == number,
        counting=True,
    ),
)
_OF_TWO = (
    Form(
        "both",
        ("both pictures show {one}", "there is {one} in both pictures"),
        lambda counts, _: min(counts) > 0,
        share=3,
    ),
    Form(
        "one",
        ("exactly one picture shows {one}", "there is {one} in only one of the pictures"),
        lambda counts, _: (counts[0] > 0) != (counts[1] > 0),
    ),
    Form(
        "any",
        ("at least one picture shows {one}", "there is {one} in at least one picture"),
        lambda counts, _: max(counts) > 0,
        share=3,
    ),
    Form(
        "neither",
        ("neither picture shows {one}", "there is no {no} in the pictures"),
        lambda counts, _: max(counts) == 0,
    ),
    Form(
        "side",
        ("the {side} picture shows {one}", "there is {one} in the {side} picture"),
        lambda counts, _: counts[0] > 0,
        share=4,
    ),
    Form(
        "only",
        ("only the {side} picture shows {one}", "there is {one} in the {side} picture only"),
        lambda counts, _: counts[0] > 0 and counts[1] == 0,
        share=2,
    ),
    Form(
        "more",
        (
            "the {side} picture has more {many} than the {other} one",
            "there are more {many} in the {side} picture",
        ),
        lambda counts, _: counts[0] > counts[1],
        share=2,
        counting=True,
    ),
    Form(
        "same",
        (
            "the pictures have the same number of {many}",
            "there are as many {many} in one picture as in the other",
        ),
        lambda counts, _: counts[0] == counts[1],
        counting=True,
    ),
    Form(
        "total",
        (
            "there are exactly {number} {many} in the two pictures",
            "together the pictures show exactly {number} {many}",
        ),
        lambda counts, number: sum(counts) == number,
        counting=True,
    ),
)
FORMS: Mapping[int, tuple[Form, ...]] = {1: _OF_ONE, 2: _OF_TWO}
"""By number of pictures. Those that a small network learns first are said more often."""


class Look(NamedTuple):
    """A kind of object.

    Args:
        shape: or None where any will do; colour and size alike.
        colour: or None.
        size: one that there is a word for, or None.
    """

    shape: str | None = None
    colour: str | None = None
    size: str | None = None

    def counts(self, world: World, rows: slice) -> np.ndarray:
        """How many such objects each of some scenes has, `(n,)`."""
        fits = world.present[rows].copy()
        if self.shape is not None:
            fits &= world.shape[rows] == SHAPES.index(self.shape)
        if self.colour is not None:
            fits &= world.colour[rows] == COLOURS.index(self.colour)
        if self.size is not None:
            fits &= world.size[rows] == SIZES.index(self.size)
        return fits.sum(axis=1)

    def words(self, dice: Dice, plural: bool) -> list[str]:
        """What it is called: ["large", "red", "circle"], ["small", "things"]."""
        size = dice.pick(SIZE_WORDS[self.size]) if self.size else ""
        noun = "things" if plural else "thing"
        if self.shape is not None:
            noun = PLURALS[self.shape] if plural else self.shape
        return [word for word in (size, self.colour, noun) if word]


class Stated(NamedTuple):
    """A statement that may be true or false.

    Args:
        text: in words.
        form: the form it has.
        look: the kind of object it speaks of.
        number: where it names one.
        side: the picture that it speaks of first.
    """

    text: str
    form: Form
    look: Look
    number: int
    side: str

    def holds(self, counts: Counts) -> bool:
        """Whether it is true, by the counts of the pictures from left to right."""
        ordered = counts if self.side == "left" else counts[::-1]
        return self.form.holds(ordered, self.number)


def state(form: Form, one: SceneObject, dice: Dice) -> Stated:
    """Something of a form to say of pictures about things that look somewhat like an object."""
    look = dice.pick(_general(one) if form.counting else _exact(one))
    side, number = dice.pick(tuple(SIDES)), dice.pick(_TOTALS)
    single, several = look.words(dice, plural=False), look.words(dice, plural=True)
    text = dice.pick(form.templates).format(
        one=with_article(single),
        no=" ".join(single),
        many=" ".join(several),
        number=NUMBERS[number],
        side=side,
        other=SIDES[side],
    )
    return Stated(text, form, look, number, side)


def _general(one: SceneObject) -> list[Look]:
    """Looks that many objects have, so that there is something to count."""
    return [*3 * [Look(colour=one.colour)], Look(shape=one.shape), *_sized(one, Look())]


def _exact(one: SceneObject) -> list[Look]:
    """Looks that are seldom enough for pictures without; colours are what is learned first."""
    shape, colour = Look(shape=one.shape), Look(colour=one.colour)
    both = Look(shape=one.shape, colour=one.colour)
    return [*3 * [colour], *3 * [both], shape, *_sized(one, shape)]


def _sized(one: SceneObject, look: Look) -> list[Look]:
    return [] if SIZE_WORDS[one.size] == ("",) else [look._replace(size=one.size)]
