"""Cleaning of captions and questions, exactly as the released models saw them (spec 11)."""

from __future__ import annotations

import re
from collections.abc import Iterable

CLOSED_BY = "[SEP]"
"""What ends an answer."""

_DELETED = str.maketrans("", "", ",.'!?\"()*#:;~")
_SEPARATORS = str.maketrans("-/", "  ")
_SPACES = re.compile(r"\s{2,}")


def pre_caption(text: str, max_words: int = 30) -> str:
    """Lower-case, drop punctuation, collapse spaces, keep the first `max_words` words (spec 11)."""
    text = text.lower().translate(_DELETED).translate(_SEPARATORS).replace("<person>", "person")
    text = _SPACES.sub(" ", text).rstrip("\n").strip(" ")
    return " ".join(text.split(" ")[:max_words])


def pre_question(text: str, max_words: int = 30) -> str:
    """As `pre_caption`, but spaces stay as they are and only those at the end go (spec 11)."""
    text = text.lower().translate(_DELETED).translate(_SEPARATORS).rstrip(" ")
    return " ".join(text.split(" ")[:max_words])


def closed(answers: Iterable[str]) -> list[str]:
    """Answers as a decoder reads them: each says where it ends (spec 5.2)."""
    return [f"{answer}{CLOSED_BY}" for answer in answers]
