"""From figures per seed and item to a difference, an interval and a test.

Every seed is examined by the same items, so the figures of one item in several seeds, and of one
seed on several items, go together: both seeds and items are a sample. An interval that resamples
items alone forgets that another seed gives another network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from scipy.stats import t as student

from albefkit.ablation.effects import Effect
from albefkit.seeding import numpy_rng

RESAMPLES = 5000
LEVEL = 0.95
CHUNK = 250
SEVERAL = 5
"""From so many seeds on, seeds are resampled too; the means of fewer take too few values."""
ALIKE = 1e-9
"""A spread that is so small beside the mean is rounding."""

Key = TypeVar("Key")


def effects_of(
    pairs: Mapping[Key, tuple[np.ndarray, np.ndarray]], seed: int = 0
) -> dict[Key, Effect]:
    """The difference of each pair of systems, its tests corrected for one another (Holm).

    Args:
        pairs: what is compared -> figures of ours and of theirs, each `(S, I)`: seeds, items. What
            has no seed with figures of both is left out.
        seed: of the resampling.
    """
    found = {
        key: paired_effect(ours, theirs, numpy_rng(seed, "bootstrap", str(key)))
        for key, (ours, theirs) in pairs.items()
        if len(_complete(ours - theirs))
    }
    adjusted = holm([effect.p for effect in found.values()])
    return {
        key: replace(effect, p_adjusted=p)
        for (key, effect), p in zip(found.items(), adjusted, strict=True)
    }


def paired_effect(ours: np.ndarray, theirs: np.ndarray, rng: np.random.Generator) -> Effect:
    """Mean difference, its 95 % interval, and the paired test that there is none.

    The test is the interval's: p is below 5 % where the interval leaves out 0, and only there.

    Args:
        ours: `(S, I)`, the same seeds and items in the same order as theirs. A seed that lacks a
            figure (NaN) on either side is left out.
        theirs: likewise.
        rng: of the resampling.

    Raises:
        ValueError: the tables have different shapes, or no seed has all figures of both.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"ours are {ours.shape}, theirs {theirs.shape}, expected the same")
    differences = _complete(ours - theirs)
    if not differences.size:
        raise ValueError("there is no seed with figures of both")
    seeds, items = differences.shape
    found = _estimate(differences, rng)
    mean = found.mean
    if found.error <= ALIKE * abs(mean):
        # Nothing to estimate a spread from: the sign test says how likely so many equal signs are.
        p = 1.0 if mean == 0.0 else 2.0 ** (1 - items)
        reach = abs(mean) if p > 1 - LEVEL else 0.0
        return Effect(mean, mean - reach, mean + reach, p, p, seeds, items)
    towards_nothing = found.below if mean > 0 else found.above
    p = float(2 * student.sf(abs(mean) / (found.error * towards_nothing), found.freedom))
    return Effect(mean, *found.ends, p, p, seeds, items)


def interval(figures: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Mean and ends of the 95 % interval of one system's figures.

    Args:
        figures: `(S, I)`.
        seed: of the resampling.
    """
    found = _estimate(_complete(figures), numpy_rng(seed, "interval"))
    return found.mean, *found.ends


def standard_error(figures: np.ndarray) -> tuple[float, float]:
    """The standard error of the mean over a crossed table, and its degrees of freedom.

    Seeds and items each contribute the variance of their means; what both count of the noise of
    single cells is taken away once, without going below either. The degrees of freedom are
    Satterthwaite's. One seed says nothing of other seeds, and only items count.

    Args:
        figures: `(S, I)`.
    """
    seeds, items = figures.shape
    of_items = float(figures.mean(0).var(ddof=1)) / items if items > 1 else 0.0
    if seeds == 1:
        return of_items**0.5, max(1, items - 1)
    of_seeds = float(figures.mean(1).var(ddof=1)) / seeds
    rows, columns = figures.mean(1, keepdims=True), figures.mean(0, keepdims=True)
    rest = figures - rows - columns + figures.mean()
    cells = float((rest**2).sum()) / max(1, (seeds - 1) * (items - 1)) / (seeds * items)
    total = max(of_seeds + of_items - cells, of_seeds, of_items)
    if total == 0.0:
        return 0.0, 1.0
    parts = of_seeds**2 / (seeds - 1) + of_items**2 / max(1, items - 1)
    return total**0.5, (of_seeds + of_items) ** 2 / parts


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for being several (Holm 1979): the chance of one false alarm among all."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted.tolist()


@dataclass(frozen=True)
class _Estimate:
    """A mean and how far off it may be.

    Args:
        mean: over all cells.
        error: its standard error.
        freedom: degrees of freedom of that.
        below: how many times farther than Student's t the interval reaches down, at least 1.
        above: likewise up.
    """

    mean: float
    error: float
    freedom: float
    below: float
    above: float

    @property
    def ends(self) -> tuple[float, float]:
        """Of the 95 % interval."""
        half = float(student.ppf((1 + LEVEL) / 2, self.freedom)) * self.error
        return self.mean - half * self.below, self.mean + half * self.above


def _estimate(figures: np.ndarray, rng: np.random.Generator) -> _Estimate:
    """Student's t gives the width, the bootstrap the shape.

    Resampled means of few seeds lie too close together, as every variance from few is too sure, so
    the bootstrap alone would be too narrow; and t knows nothing of skewed figures (rare hits), of
    which resampled means reach farther to one side. That side is widened, and none is narrowed.
    """
    mean = float(figures.mean())
    error, freedom = standard_error(figures)
    down, up = np.quantile(_resampled(figures, rng) - mean, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if up <= down:
        return _Estimate(mean, error, freedom, 1.0, 1.0)
    below, above = (2 * abs(float(end)) / float(up - down) for end in (down, up))
    return _Estimate(mean, error, freedom, max(1.0, below), max(1.0, above))


def _resampled(figures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means over resampled seeds and items, drawn independently of each other: the pigeonhole
    bootstrap (Owen 2007). `(RESAMPLES,)`.
    """
    seeds, items = figures.shape
    weights = np.full((CHUNK, seeds), 1 / seeds)
    means = []
    for _ in range(RESAMPLES // CHUNK):
        if seeds >= SEVERAL:
            weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=CHUNK) / seeds
        drawn = rng.integers(items, size=(CHUNK, items))
        means.append(np.take_along_axis(weights @ figures, drawn, axis=1).mean(1))
    return np.concatenate(means)


def _complete(figures: np.ndarray) -> np.ndarray:
    """The seeds that lack no figure."""
    return figures[np.isfinite(figures).all(1)]
