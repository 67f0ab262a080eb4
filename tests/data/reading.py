"""Reads a scene's caption back and checks it against the objects."""

from __future__ import annotations

import re
from collections.abc import Sequence

from albefkit.data.scenes.world import Background, SceneObject

NUMBERS = {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
SIZES = {"small": "small", "little": "small", "large": "large", "big": "large", None: "medium"}
SHAPES = "circle|square|triangle|star|cross|diamond|heart|ring"
COLOURS = "red|orange|yellow|green|blue|purple|pink|magenta|cyan|lime|navy|brown|black|white"
MENTION = re.compile(
    rf"\b({'|'.join(NUMBERS)}) (?:(small|little|large|big) )?({COLOURS}) ({SHAPES})(?:e?s)?\b"
)
RELATION = r"(?:to the )?(left|right) of|(above|over)|(below|under|beneath)"
BACKGROUND = re.compile(r" on an? (?:(\w+) )?(\w+) background$")
PLACE = r"in the (?:top|bottom) (?:left|right) corner|at the (?:top|bottom)|in the middle"
PLACE += r"|on the (?:left|right) side"
LEAD = r"(?:there (?:is|are) |a picture of |a scene with )?"


def holds(caption: str, objects: Sequence[SceneObject], background: Background) -> bool:
    """Whether a clean caption is true of a scene.

    Raises:
        AssertionError: the caption is none of the sentences scenes are told in.
    """
    if found := BACKGROUND.search(caption):
        if found[2] != background.tone or found[1] not in (None, background.pattern):
            return False
        caption = caption[: found.start()]
    things = []
    for number, size, colour, shape in MENTION.findall(caption):
        alike = [
            one
            for one in objects
            if (one.colour, one.shape, one.size) == (colour, shape, SIZES[size or None])
        ]
        if len(alike) != NUMBERS[number]:
            return False
        things.append(alike)
    skeleton = MENTION.sub("@", caption)
    if re.fullmatch(rf"{LEAD}@(?:, @ and @| with @ and @| and @(?:, and @)?)", skeleton):
        return True
    if found := re.fullmatch(rf"{LEAD}@(?: drawn)?(?: ({PLACE}))?", skeleton):
        return found[1] is None or all(_at(found[1], one) for one in things[0])
    if found := re.fullmatch(rf"@ and (?:{RELATION}) (?:it|them) @(?:, and @)?", skeleton):
        return _stands(found, things[1], things[0])
    found = re.fullmatch(rf"{LEAD}@ (?:is |are )?(?:{RELATION}) @(?:, and @)?", skeleton)
    assert found, f"no known sentence: {caption}"
    return _stands(found, things[0], things[1])


def _stands(found: re.Match, first: list[SceneObject], second: list[SceneObject]) -> bool:
    side, above, below = found.groups()
    pairs = [(a, b) for a in first for b in second]
    if side:
        return all((a.x < b.x) == (side == "left") and abs(a.x - b.x) > 0.05 for a, b in pairs)
    assert above or below
    return all((a.y < b.y) == bool(above) and abs(a.y - b.y) > 0.05 for a, b in pairs)


def _at(place: str, one: SceneObject) -> bool:
    conditions = {
        "top": one.y < 0.45,
        "bottom": one.y > 0.55,
        "left": one.x < 0.45,
        "right": one.x > 0.55,
        "middle": abs(one.x - 0.5) < 0.2 and abs(one.y - 0.5) < 0.2,
    }
    return all(true for word, true in conditions.items() if word in place.split())
