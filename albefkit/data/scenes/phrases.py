"""Says what is in a scene: short English captions, true of the objects they speak of.

Most name two things with their looks and how they stand to each other; some count, list three
things, or tell the place of a single one or the background.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from albefkit.data.scenes.words import NUMBERS, PLURALS, SIZE_WORDS
from albefkit.data.scenes.world import Background, SceneObject

_T = TypeVar("_T")

RELATIONS: dict[str, tuple[str, ...]] = {
    "left": ("left of", "to the left of"),
    "right": ("right of", "to the right of"),
    "above": ("above", "over"),
    "below": ("below", "under", "beneath"),
}

_PAIR = (
    "{a} {relation} {b}",
    "{a} {relation} {b}",
    "{a} is {relation} {b}",
    "there is {a} {relation} {b}",
    "a picture of {a} {relation} {b}",
    "{b} and {relation} it {a}",
)
_LIST = ("{a}, {b} and {c}", "{a} with {b} and {c}", "a scene with {a}, {b} and {c}")
_SINGLE = ("{a} {place}", "there is {a} {place}", "a picture of {a} {place}", "{a} drawn {place}")

_BACKGROUND_SHARE, _BACKGROUND_SHARE_ALONE, _MANY_WORDS = 0.2, 0.8, 18
_AT_LEAST = 0.1
_DOMINANCE = 1.15
_THIRD_LOW, _THIRD_HIGH = 0.4, 0.6
_LOOSE = 0.02

Thing = tuple[SceneObject, ...]
"""Objects that look alike and are spoken of together."""


class Dice:
    """Choices made from a row of uniform numbers, so that a caption is a function of its row."""

    def __init__(self, row: Iterable[float]) -> None:
        self._rolls = iter(row)

    def pick(self, options: Sequence[_T]) -> _T:
        """One of `options`."""
        return options[int(next(self._rolls) * len(options))]

    def chance(self, share: float) -> bool:
        """True with probability `share`."""
        return next(self._rolls) < share


ROLLS = 16
"""How many uniform numbers a caption may use."""


def describe(objects: Sequence[SceneObject], background: Background, dice: Dice) -> str:
    """One true caption of a scene, choices by `dice`."""
    things = _things(objects)
    if len(things) == 1:
        return _with_background(_alone(things[0], dice), background, dice, _BACKGROUND_SHARE_ALONE)
    start = dice.pick(range(len(things)))
    things = things[start:] + things[:start]
    if len(things) > 2 and dice.chance(0.2):
        a, b, c = (name(thing, dice) for thing in things[:3])
        return dice.pick(_LIST).format(a=a, b=b, c=c)
    caption = _pair(things, dice)
    if len(things) > 2 and dice.chance(0.6):
        return f"{caption}, and {name(things[2], dice)}"
    return _with_background(caption, background, dice)


def relation(first: Thing, second: Thing) -> str | None:
    """How `first` stands to `second`, all of one to all of the other; None where it is unclear.

    Returns:
        "left", "right", "above" or "below".
    """
    steps = [(a.x - b.x, a.y - b.y) for a in first for b in second]
    across = [dx for dx, dy in steps if abs(dx) >= max(_AT_LEAST, _DOMINANCE * abs(dy))]
    down = [dy for dx, dy in steps if abs(dy) >= max(_AT_LEAST, _DOMINANCE * abs(dx))]
    for values, negative, positive in ((across, "left", "right"), (down, "above", "below")):
        if len(values) == len(steps):
            if max(values) < 0:
                return negative
            if min(values) > 0:
                return positive
    return None


def perhaps(found: str, one: SceneObject, other: SceneObject) -> bool:
    """Whether someone might say that `one` stands so to `other`."""
    ahead = {
        "left": other.x - one.x,
        "right": one.x - other.x,
        "above": other.y - one.y,
        "below": one.y - other.y,
    }
    return ahead[found] > -_LOOSE


def place(thing: Thing) -> str:
    """Where on the picture a thing is, e.g. "in the top left corner"; empty where it is spread."""
    columns = {_third(one.x, "left", "right") for one in thing}
    lines = {_third(one.y, "top", "bottom") for one in thing}
    if len(columns) > 1 and len(lines) > 1:
        return ""
    column = columns.pop() if len(columns) == 1 else ""
    line = lines.pop() if len(lines) == 1 else ""
    if column and line:
        return f"in the {line} {column} corner"
    if line:
        return f"at the {line}"
    if column:
        return f"on the {column} side"
    return "in the middle" if len(thing) == 1 else ""


def name(thing: Thing, dice: Dice) -> str:
    """A thing by its number, size, colour and shape: "a small red circle", "two green stars"."""
    one = thing[0]
    size = dice.pick(SIZE_WORDS[one.size])
    noun = one.shape if len(thing) == 1 else PLURALS[one.shape]
    words = [word for word in (size, one.colour, noun) if word]
    return with_article(words) if len(thing) == 1 else " ".join([NUMBERS[len(thing)], *words])


def with_article(words: Sequence[str]) -> str:
    """Words after "a" or "an"."""
    return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])


def _third(value: float, low: str, high: str) -> str:
    return low if value < _THIRD_LOW else high if value > _THIRD_HIGH else ""


def _things(objects: Sequence[SceneObject]) -> list[Thing]:
    alike: dict[tuple[str, str, str], list[SceneObject]] = {}
    for one in objects:
        alike.setdefault((one.shape, one.colour, one.size), []).append(one)
    return [tuple(group) for group in alike.values()]


def _alone(thing: Thing, dice: Dice) -> str:
    template = _agree(dice.pick(_SINGLE), thing)
    return template.format(a=name(thing, dice), place=place(thing)).rstrip()


def _pair(things: list[Thing], dice: Dice) -> str:
    """Two things and their relation; the first two that have one, which come to stand in front."""
    pairs = [(i, j) for i in range(len(things)) for j in range(len(things)) if i != j]
    for i, j in pairs:
        if (found := relation(things[i], things[j])) is not None:
            first, second = things[i], things[j]
            things[:] = [first, second, *(t for k, t in enumerate(things) if k not in (i, j))]
            a, b = name(first, dice), name(second, dice)
            template = _agree(dice.pick(_PAIR), first)
            if len(second) > 1:
                template = template.replace(" it ", " them ")
            return template.format(a=a, b=b, relation=dice.pick(RELATIONS[found]))
    return f"{name(things[0], dice)} and {name(things[1], dice)}"


def _agree(template: str, subject: Thing) -> str:
    return template.replace(" is ", " are ") if len(subject) > 1 else template


def _with_background(
    caption: str, background: Background, dice: Dice, share: float = _BACKGROUND_SHARE
) -> str:
    if not dice.chance(share):
        return caption
    short = len(caption.split()) < _MANY_WORDS
    words = [background.pattern] if short and dice.chance(0.4) else []
    return f"{caption} on {with_article([*words, background.tone, 'background'])}"
