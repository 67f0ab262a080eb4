"""Is a head as often right as it says?"""

import math

import pytest
import torch

from albefkit.evaluation.calibration import MatchingCalibration, auroc, reliability
from albefkit.objectives.itm import CLASS_PRIOR_LOSS
from albefkit.registry.errors import ComponentError
from tests.evaluation.diagnosed import SCENES, Unknowing, subject


def always(probability, dataset=None):
    """Somebody whose head says the same of every pair."""
    who = subject(dataset)
    with torch.no_grad():
        who.network.heads["itm"].weight.zero_()
        odds = math.log(probability / (1 - probability))
        who.network.heads["itm"].bias.copy_(torch.tensor([0.0, odds]))
    return who


def test_who_says_what_is_so_is_calibrated():
    said = torch.rand(20_000, generator=torch.Generator().manual_seed(0)).double()
    truth = (torch.rand(20_000, generator=torch.Generator().manual_seed(1)) < said).double()
    assert reliability(said, truth, 10).error() < 0.02


def test_who_is_too_sure_is_off_by_how_much():
    said = torch.cat([torch.full((50,), 0.1), torch.full((50,), 0.9)]).double()
    truth = torch.zeros(100).double()
    truth[:10] = truth[50:80] = 1  # 20 % where 10 % was said, 60 % where 90 %
    assert reliability(said, truth, 2).error() == pytest.approx((0.1 + 0.3) / 2)


@pytest.mark.parametrize("bins", [1, 7, 100])
def test_bins_among_equals_do_not_matter(bins):
    said = torch.full((99,), 1 / 3, dtype=torch.float64)
    truth = (torch.arange(99) < 33).double()
    assert reliability(said, truth, bins).error() == pytest.approx(0, abs=1e-9)


def test_bins_hold_about_equally_many():
    said = torch.rand(103, generator=torch.Generator().manual_seed(0)).double()
    table = reliability(said, torch.ones(103).double(), 10)
    assert set(table.pairs.tolist()) == {10, 11} and table.pairs.sum() == 103
    assert table.probability.tolist() == sorted(table.probability.tolist())


@pytest.mark.parametrize(
    ("said", "truth", "area"),
    [([0.1, 0.2, 0.8], [0, 0, 1], 1.0), ([0.9, 0.2], [0, 1], 0.0), ([0.5, 0.5], [0, 1], 0.5)],
)
def test_auroc_counts_pairs_in_the_right_order(said, truth, area):
    assert auroc(torch.tensor(said).double(), torch.tensor(truth).double()) == area


def test_whoever_says_only_the_prior_is_calibrated_and_no_better_than_chance():
    result = MatchingCalibration(bins=5).evaluate(always(1 / 3, Unknowing()))
    assert result.metrics["random_calibration_error"] == pytest.approx(0, abs=1e-4)
    assert result.metrics["random_nats"] == pytest.approx(CLASS_PRIOR_LOSS)
    assert result.metrics["random_brier"] == pytest.approx(100 * 2 / 9)
    assert result.metrics["random_accuracy"] == pytest.approx(100 * 2 / 3)
    assert result.metrics["random_auroc"] == 50
    for name, guessed in result.chance.items():
        assert result.metrics[name] == pytest.approx(guessed, abs=1e-4)


def test_whoever_is_always_sure_is_off_by_what_is_wrong():
    metrics = MatchingCalibration().evaluate(always(0.9, Unknowing())).metrics
    assert metrics["random_calibration_error"] == pytest.approx(90 - 100 / 3, abs=1e-4)
    assert metrics["hard_brier"] == pytest.approx((1 + 2 * 81) / 3, abs=1e-4)


def test_a_wrong_partner_that_is_right_counts_as_a_match():
    # Drawn by similarity, partners are two apart, and then captions are true of each other.
    known, unknown = (MatchingCalibration(batch_size=24).evaluate(who) for who in both())
    assert known.metrics["hard_accuracy"] == pytest.approx(100 / 3, abs=8)
    assert unknown.metrics["hard_accuracy"] == 100
    assert unknown.chance["hard_accuracy"] == pytest.approx(100 * 2 / 3)


def both():
    return subject(), subject(Unknowing())


def test_pairs_are_those_of_itm_and_bins_say_of_which_drawing():
    result = MatchingCalibration(bins=4).evaluate(subject(Unknowing()))
    assert result.items["drawn"] == 4 * ["random"] + 4 * ["hard"]
    assert sum(result.items["pairs"]) == 2 * 3 * SCENES
    matches = zip(result.items["matches"], result.items["pairs"], strict=True)
    assert sum(share * pairs for share, pairs in matches) == pytest.approx(2 * SCENES)


def test_accuracy_has_a_figure_for_every_image():
    result = MatchingCalibration().evaluate(subject())
    for name in ("random_accuracy", "hard_accuracy"):
        assert len(result.samples[name]) == len(result.sampled) == SCENES
        mean = sum(result.samples[name]) / SCENES
        assert mean == pytest.approx(result.metrics[name])


def test_without_alignment_wrong_partners_are_drawn_evenly_alone():
    blind = subject()
    blind.network.image_projection = None
    metrics = MatchingCalibration().evaluate(blind).metrics
    assert metrics["random_auroc"] > 90
    assert not any(name.startswith("hard") for name in metrics)


def test_without_a_head_there_is_nobody_to_ask():
    with pytest.raises(ComponentError, match=r"needs a head 'judge'.*heads: itm"):
        MatchingCalibration(head="judge").evaluate(subject())
