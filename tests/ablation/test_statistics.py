"""Differences, intervals and tests over seeds and items."""

import numpy as np
import pytest

from albefkit.ablation.statistics import (
    effects_of,
    holm,
    interval,
    paired_effect,
    standard_error,
)


def table(rng, seeds, items, difference=0.0, of_seeds=1.0, of_items=30.0, of_cells=40.0):
    """Differences as ablations have them: items differ a lot, seeds a little."""
    return (
        difference
        + of_seeds * rng.standard_normal((seeds, 1))
        + of_items * rng.standard_normal((1, items))
        + of_cells * rng.standard_normal((seeds, items))
    )


def hits(rng, seeds, items, changed, better):
    """Differences of hits and misses in percent: few change, and a share of those for the better.

    Args:
        changed: share of cells.
        better: share of the changed.
    """
    signs = np.where(rng.random((seeds, items)) < better, 1, -1)
    return 100.0 * signs * (rng.random((seeds, items)) < changed)


def effect_of(differences, rng):
    return paired_effect(differences, np.zeros_like(differences), rng)


def rates(tables, truth, rng):
    """How often intervals cover the true difference, and how often tests see one."""
    effects = [effect_of(each, rng) for each in tables]
    for each in effects:
        assert (each.p < 0.05) == (not each.low <= 0 <= each.high)
        assert each.low <= each.difference <= each.high
    covered = [each.low <= truth <= each.high for each in effects]
    return np.mean(covered), np.mean([each.p < 0.05 for each in effects])


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(("of_seeds", "of_items"), [(3.0, 10.0), (0.5, 30.0), (8.0, 5.0)])
def test_intervals_cover_and_tests_keep_their_size(seeds, of_seeds, of_items):
    rng = np.random.default_rng(seeds)
    tables = (table(rng, seeds, 60, 0.0, of_seeds, of_items) for _ in range(300))
    covered, alarms = rates(tables, 0.0, rng)
    assert 0.92 <= covered <= 0.99
    assert alarms == pytest.approx(1 - covered)


def test_rare_hits_are_covered_because_the_longer_side_is_widened():
    """Of 100 items about five change, all for the better: of 3,000 tables, 95 % are covered, and
    87 % by Student's t alone.
    """
    rng = np.random.default_rng(11)
    tables = [hits(rng, 1, 100, 0.05, 1.0) for _ in range(400)]
    assert rates(tables, 5.0, rng)[0] >= 0.92
    alone = [abs(each.mean() - 5.0) <= 1.984 * standard_error(each)[0] for each in tables]
    assert np.mean(alone) <= 0.91


@pytest.mark.slow
@pytest.mark.parametrize("items", [40, 200])
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize(
    ("of_seeds", "of_items", "of_cells"),
    [(5.0, 0.0, 0.1), (0.0, 30.0, 0.1), (0.0, 0.0, 50.0), (1.0, 10.0, 40.0), (3.0, 30.0, 5.0)],
)
def test_intervals_cover_whatever_varies(seeds, items, of_seeds, of_items, of_cells):
    rng = np.random.default_rng([seeds, items])
    tables = (table(rng, seeds, items, 0.0, of_seeds, of_items, of_cells) for _ in range(500))
    assert 0.91 <= rates(tables, 0.0, rng)[0] <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 3, 5])
@pytest.mark.parametrize(
    ("changed", "better", "truth"), [(0.05, 0.5, 0.0), (0.1, 0.9, 8.0), (0.02, 0.5, 0.0)]
)
def test_intervals_of_hits_cover(seeds, changed, better, truth):
    rng = np.random.default_rng(seeds)
    tables = (hits(rng, seeds, 200, changed, better) for _ in range(500))
    assert 0.91 <= rates(tables, truth, rng)[0] <= 0.995


@pytest.mark.parametrize(("seeds", "difference"), [(1, 12.0), (3, 8.0), (5, 6.0)])
def test_a_difference_of_four_standard_errors_is_found(seeds, difference):
    rng = np.random.default_rng(seeds)
    tables = (table(rng, seeds, 500, difference) for _ in range(50))
    assert rates(tables, difference, rng)[1] >= 0.9


def test_resampling_items_alone_would_have_been_too_sure():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(200):
        differences = table(rng, 3, 400, 2.0, of_seeds=3.0, of_items=5.0)
        mean, error = differences.mean(), differences.mean(0).std(ddof=1) / 20
        covered.append(abs(mean - 2.0) < 1.96 * error)
    assert np.mean(covered) < 0.8


def test_a_large_difference_is_found_and_stands_out():
    rng = np.random.default_rng(1)
    effect = effects_of({"r_mean": (table(rng, 3, 500, 10.0), np.zeros((3, 500)))})["r_mean"]
    assert effect.clear and effect.low > 0
    assert (effect.seeds, effect.items) == (3, 500)


def test_one_seed_speaks_of_items_only():
    rng = np.random.default_rng(2)
    effect = effect_of(table(rng, 1, 500, 0.0), rng)
    width = effect.high - effect.low
    assert width == pytest.approx(2 * 1.96 * 50 / 500**0.5, rel=0.15)
    assert (effect.seeds, effect.items) == (1, 500)


def test_what_skewed_figures_reach_farther_to_is_widened():
    """Three of 400 items gain: more might have, but hardly fewer than none."""
    figures = np.zeros((1, 400))
    figures[0, :3] = 100.0
    gain = effect_of(figures, np.random.default_rng(0))
    loss = effect_of(-figures, np.random.default_rng(0))
    assert gain.high - gain.difference > 1.1 * (gain.difference - gain.low)
    assert (gain.low, gain.high) == pytest.approx((-loss.high, -loss.low), abs=0.05)
    assert gain.p > 0.05 and gain.low < 0


def test_no_difference_at_all_is_certain():
    same = np.ones((3, 20))
    effect = effects_of({"a": (same, same)})["a"]
    assert (effect.difference, effect.low, effect.high, effect.p) == (0.0, 0.0, 0.0, 1.0)
    assert not effect.clear


@pytest.mark.parametrize(("items", "p", "ends"), [(20, 2**-19, (0.3, 0.3)), (4, 1 / 8, (0.0, 0.6))])
def test_equal_differences_are_as_sure_as_they_are_many(items, p, ends):
    """A spread of rounding errors (0.1 + 0.2 is not 0.3) is none."""
    theirs = np.linspace(0, 100, 3 * items).reshape(3, items)
    effect = effects_of({"a": (theirs + 0.1 + 0.2, theirs)})["a"]
    assert effect.p == pytest.approx(p)
    assert (effect.low, effect.high) == pytest.approx(ends)


def test_one_item_speaks_of_other_seeds_only():
    effect = effects_of({"a": (np.array([[1.0], [2.0], [6.0]]), np.zeros((3, 1)))})["a"]
    half = 4.302653 * np.std([1, 2, 6], ddof=1) / 3**0.5
    assert (effect.low, effect.high) == pytest.approx((3 - half, 3 + half))
    lone = effects_of({"a": (np.array([[7.0]]), np.array([[2.0]]))})["a"]
    assert (lone.difference, lone.p, lone.low, lone.high) == (5.0, 1.0, 0.0, 10.0)


def test_seeds_that_one_side_lacks_are_left_out():
    rng = np.random.default_rng(5)
    ours, theirs = rng.standard_normal((4, 30)), rng.standard_normal((4, 30))
    whole = effects_of({"a": (ours[[0, 3]], theirs[[0, 3]])})
    ours[1], theirs[2, 7] = np.nan, np.nan
    assert effects_of({"a": (ours, theirs)}) == whole
    assert whole["a"].seeds == 2
    assert effects_of({"a": (ours[1:3], theirs[1:3])}) == {}
    with pytest.raises(ValueError, match="no seed with figures of both"):
        paired_effect(ours[1:3], theirs[1:3], rng)


def test_tables_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 4\), theirs \(1, 4\)"):
        paired_effect(np.ones((3, 4)), np.ones((1, 4)), np.random.default_rng(0))


def test_the_same_seed_gives_the_same_effect():
    rng = np.random.default_rng(6)
    pair = (rng.exponential(size=(5, 50)), np.zeros((5, 50)))
    assert effects_of({"a": pair}, seed=1) == effects_of({"a": pair}, seed=1)
    assert effects_of({"a": pair}, seed=1) != effects_of({"a": pair}, seed=2)


def test_holm_as_computed_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_correction_is_over_everything_tested():
    rng = np.random.default_rng(3)
    pairs = {str(i): (table(rng, 3, 50), np.zeros((3, 50))) for i in range(6)}
    found = effects_of(pairs)
    assert all(each.p_adjusted >= each.p for each in found.values())
    assert min(each.p_adjusted for each in found.values()) > 0.05


def test_the_interval_of_one_system():
    """Both seeds' means, 51 and 55, and both items', 52 and 54, count."""
    mean, low, high = interval(np.array([[50.0, 52.0], [54.0, 56.0]]))
    error, freedom = 5.0**0.5, 25 / 17
    assert mean == 53.0
    assert (low, high) == pytest.approx((53 - 6.14 * error, 53 + 6.14 * error), rel=0.2)
    assert standard_error(np.array([[50.0, 52.0], [54.0, 56.0]])) == pytest.approx((error, freedom))
    assert interval(np.array([[7.0]])) == (7.0, 7.0, 7.0)
