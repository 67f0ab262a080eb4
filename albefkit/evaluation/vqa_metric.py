"""The standard accuracy of visual question answering, as its servers compute it.

Antol et al., VQA: Visual Question Answering, ICCV 2015, section "Evaluation"; spec 5.3.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

ANNOTATORS = 10
"""So many people answer each question where the rule of three applies."""
AGREEING = 3
"""An answer that so many others gave is wholly right."""
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_NUMBER_WITH_COMMA = re.compile(r"\d,\d")
_FULL_STOP = re.compile(r"\.(?!\d)")
_ARTICLES = frozenset({"a", "an", "the"})
_DIGITS = {
    word: str(digit)
    for digit, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
} | {"none": "0"}
_CONTRACTIONS = """
    ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
    haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't
    mightn't've must've mustn't needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
    shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
    someone's something'd something'd've something'll that's there'd there'd've there're there's
    they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're
    what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're
    why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll you'd you'd've you'll
    you're you've
"""
_SPELLINGS = {
    word[:place] + word[place + 1 :]: word
    for word in _CONTRACTIONS.split()
    for place, letter in enumerate(word)
    if letter == "'"
} | {"somebody'd": "somebodyd"}
"""Contractions that lack one apostrophe -> with it; the last entry stands so in the standard."""


@lru_cache(maxsize=1 << 16)
def normalise(answer: str) -> str:
    """An answer without what makes no difference: punctuation, articles, case; numbers as digits,
    contractions with their apostrophes.
    """
    words = _without_punctuation(" ".join(answer.split())).lower().split()
    digits = [_DIGITS.get(word, word) for word in words]
    return " ".join(_SPELLINGS.get(word, word) for word in digits if word not in _ARTICLES)


def agreement(given: Sequence[str]) -> dict[str, float]:
    """What every answer that somebody gave is worth, 0 to 1, by its normalised form.

    With ten annotators, an answer is compared with those of nine, leaving out each one in turn, and
    is wholly right where three of them agree; otherwise every answer given is right.

    Args:
        given: the annotators' answers.
    """
    counts = Counter(normalise(answer) for answer in given)
    if len(given) != ANNOTATORS:
        return dict.fromkeys(counts, 1.0)
    return {answer: _left_one_out(count) for answer, count in counts.items()}


def _left_one_out(count: int) -> float:
    """The mean over the annotators, `count` of whom gave the answer in question."""
    seen_by_others = min(1.0, count / AGREEING) * (ANNOTATORS - count)
    seen_by_givers = min(1.0, (count - 1) / AGREEING) * count
    return (seen_by_others + seen_by_givers) / ANNOTATORS


def _without_punctuation(answer: str) -> str:
    """Marks at the edge of a word, or in an answer with a number such as 1,000, disappear; others
    part words. Full stops stay only before digits.
    """
    stripped = answer
    numbers = _NUMBER_WITH_COMMA.search(answer) is not None
    for mark in _PUNCTUATION:
        at_edge = f"{mark} " in answer or f" {mark}" in answer
        stripped = stripped.replace(mark, "" if at_edge or numbers else " ")
    return _FULL_STOP.sub("", stripped)
