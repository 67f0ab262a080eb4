"""Whether a caption is true of a scene that it was not written for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

from albefkit.data.scenes.phrases import RELATIONS, Thing, perhaps, place, relation
from albefkit.data.scenes.words import COLOURS, NUMBERS, PATTERNS, PLURALS, SIZE_WORDS, TONES
from albefkit.data.scenes.world import Background, SceneObject
from albefkit.data.text import pre_caption

KEPT = 65536
"""Captions whose meaning is remembered."""

_COUNTS = {"a": 1, "an": 1} | {word: number for number, word in NUMBERS.items()}
_SIZES = {word: size for size, words in SIZE_WORDS.items() for word in words if word}
_SHAPES = {noun: shape for shape, plural in PLURALS.items() for noun in (shape, plural)}
_RELATIONS = {phrase: name for name, phrases in RELATIONS.items() for phrase in phrases}


def _any(words: Iterable[str]) -> str:
    """A pattern for any of some words, longer ones first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_PHRASE = rf"(?:{_any(_COUNTS)}) (?:(?:{_any(_SIZES)}) )?(?:{_any(COLOURS)}) (?:{_any(_SHAPES)})"
_RELATION = rf"(?P<relation>{_any(_RELATIONS)})"
_PLACE = (
    r"(?P<place>in the (?:top|bottom) (?:left|right) corner|at the (?:top|bottom)|"
    r"on the (?:left|right) side|in the middle)"
)
_PREFIX = r"(?:there (?:is|are) |a picture of |a scene with )?"
_GROUND = rf"(?: on an? (?:(?P<pattern>{_any(PATTERNS)}) )?(?P<tone>{_any(TONES)}) background)?"
_FORMS = tuple(
    re.compile(rf"{_PREFIX}{form}{_GROUND}")
    for form in (
        rf"(?P<a>{_PHRASE}) (?:(?:is|are) )?{_RELATION} (?P<b>{_PHRASE})(?: and (?P<c>{_PHRASE}))?",
        rf"(?P<b>{_PHRASE}) and {_RELATION} (?:it|them) (?P<a>{_PHRASE})(?: and (?P<c>{_PHRASE}))?",
        rf"(?P<a>{_PHRASE})(?: with)? (?P<b>{_PHRASE}) and (?P<c>{_PHRASE})",
        rf"(?P<a>{_PHRASE}) and (?P<b>{_PHRASE})(?: and (?P<c>{_PHRASE}))?",
        rf"(?P<a>{_PHRASE})(?: drawn)?(?: {_PLACE})?",
    )
)


@dataclass(frozen=True)
class Phrase:
    """Some things that look alike.

    Args:
        number: how many are spoken of.
        size: of each, or None where it is not said.
        colour: of each.
        shape: of each.
    """

    number: int
    size: str | None
    colour: str
    shape: str

    def fits(self, one: SceneObject) -> bool:
        """Whether a thing may be called so."""
        looks = (one.colour, one.shape) == (self.colour, self.shape)
        return looks and self.size in (None, one.size)


@dataclass(frozen=True)
class Claims:
    """What a caption says.

    Args:
        phrases: the things it speaks of.
        relation: how the first stands to the second, or None.
        place: where the first is, or None.
        pattern: of the background, or None.
        tone: of the background, or None.
    """

    phrases: tuple[Phrase, ...]
    relation: str | None
    place: str | None
    pattern: str | None
    tone: str | None


@lru_cache(maxsize=KEPT)
def parse(text: str) -> Claims | None:
    """What a caption says, or None where it is not made as captions of scenes are."""
    cleaned = pre_caption(text)
    for form in _FORMS:
        found = form.fullmatch(cleaned)
        if found is not None:
            said = {name: words for name, words in found.groupdict().items() if words}
            return Claims(
                tuple(_phrase(said[name]) for name in "abc" if name in said),
                _RELATIONS[said["relation"]] if "relation" in said else None,
                said.get("place"),
                said.get("pattern"),
                said.get("tone"),
            )
    return None


def holds(claims: Claims, objects: Sequence[SceneObject], background: Background) -> bool | None:
    """Whether a scene is as somebody claims; None where people might not agree.

    What is said of some things is true where the scene has such things, whatever else it has.
    """
    if claims.tone not in (None, background.tone):
        return False
    if claims.pattern not in (None, background.pattern):
        return False
    verdicts = {_true_of(claims, things) for things in _choices(claims.phrases, objects)}
    return True if True in verdicts else None if None in verdicts else False


def _choices(phrases: Sequence[Phrase], objects: Sequence[SceneObject]) -> list[tuple[Thing, ...]]:
    """All ways to take the phrases for different things of a scene."""
    options = [
        list(combinations([one for one in objects if phrase.fits(one)], phrase.number))
        for phrase in phrases
    ]
    total = sum(phrase.number for phrase in phrases)
    return [
        things for things in product(*options) if len({one for t in things for one in t}) == total
    ]


def _true_of(claims: Claims, things: tuple[Thing, ...]) -> bool | None:
    if claims.place is not None:
        return _at(claims.place, things[0])
    if claims.relation is None or relation(things[0], things[1]) == claims.relation:
        return True
    pairs = product(things[0], things[1])
    return None if all(perhaps(claims.relation, one, other) for one, other in pairs) else False


def _at(claimed: str, thing: Thing) -> bool:
    """A corner is at its two edges too."""
    found = place(thing)
    if found == claimed:
        return True
    edge = claimed.split()[-1] if claimed.startswith("at the") else claimed.split()[-2]
    return "corner" in found and "corner" not in claimed and edge in found


def _phrase(words: str) -> Phrase:
    count, *looks, noun = words.split()
    sizes = [_SIZES[word] for word in looks if word in _SIZES]
    return Phrase(_COUNTS[count], sizes[0] if sizes else None, looks[-1], _SHAPES[noun])
