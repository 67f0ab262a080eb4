"""Web noise: what captions found beside images on the web are like.

Which scenes are noisy is nested: those noisy at 20 % are noisy at 40 % too, so that rates can be
compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from albefkit.seeding import numpy_rng

CLEAN, SWAPPED, DEBRIS, DROPPED = "clean", "swapped", "debris", "dropped"

_SHARES = {SWAPPED: 0.5, DEBRIS: 0.25, DROPPED: 0.25}

_DEBRIS = (
    "img_{n}.jpg",
    "dsc{n}",
    "untitled-{n} copy final",
    "buy now free shipping",
    "best price guaranteed {m}% off today only",
    "stock photo royalty free download",
    "click to enlarge",
    "wallpaper 1920x1080 hd free",
    "share on facebook pin it",
    "home > products > item #{n}",
    "photo of the day",
    "sold out",
    "page {m} of {n}",
    "subscribe to our newsletter",
)


def noisy_captions(
    clean: Sequence[str], rate: float, seed: int, split: str
) -> tuple[list[str], list[str]]:
    """Spoil a share of captions.

    Args:
        clean: the true captions.
        rate: share that is spoilt, 0..1.
        seed: of the scenes.
        split: whose captions they are.

    Returns:
        The captions, and for each what was done to it: "clean", "swapped" (the caption of another
        image), "debris" (alt-text that says nothing) or "dropped" (half its words are gone).
    """
    table = numpy_rng(seed, "noise", split).random((len(clean), 2))
    kinds = np.array(list(_SHARES))[_kind(table[:, 1])]
    said, done = list(clean), [CLEAN] * len(clean)
    for index in np.flatnonzero(table[:, 0] < rate).tolist():
        rng = numpy_rng(seed, "noise", split, index)
        done[index] = str(kinds[index])
        said[index] = _spoil(done[index], index, clean, rng)
    return said, done


def _kind(uniform: np.ndarray) -> np.ndarray:
    bounds = np.cumsum(list(_SHARES.values()))[:-1]
    return np.searchsorted(bounds, uniform, side="right")


def _spoil(kind: str, index: int, clean: Sequence[str], rng: np.random.Generator) -> str:
    if kind == DEBRIS:
        picked = rng.choice(len(_DEBRIS), size=rng.integers(1, 3), replace=False)
        numbers = {"n": rng.integers(1, 9999), "m": rng.integers(1, 99)}
        return " ".join(_DEBRIS[which] for which in picked).format(**numbers)
    if kind == SWAPPED and len(clean) > 1:
        return clean[(index + int(rng.integers(1, len(clean)))) % len(clean)]
    words = clean[index].split()
    kept = [word for word, keep in zip(words, rng.random(len(words)) < 0.5, strict=True) if keep]
    return " ".join(kept or words[:1])
