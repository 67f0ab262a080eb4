"""Names as people mistype them."""

from __future__ import annotations

import re
from collections.abc import Iterable


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` was most likely meant to be, or None."""
    import difflib

    spelled = {fold(candidate): candidate for candidate in candidates}
    found = difflib.get_close_matches(fold(name), list(spelled), n=1, cutoff=0.6)
    return spelled[found[0]] if found else None


def did_you_mean(name: str, candidates: Iterable[str], *, details: str = "") -> str:
    """` Did you mean 'x'?`, or nothing; `details` follow the name."""
    found = nearest(name, candidates)
    return f" Did you mean '{found}'{details}?" if found else ""


def fold(name: str) -> str:
    """A name without what people confuse: case, `-`, `_` and spaces."""
    return re.sub(r"[-_.\s]+", "-", name).lower()
