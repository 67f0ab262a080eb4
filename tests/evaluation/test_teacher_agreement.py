"""Does the teacher believe captions that are known to be wrong?"""

import pytest
import torch

from albefkit.alignment.space import NoSpace
from albefkit.evaluation.teacher_agreement import TeacherAgreement
from albefkit.network import Network
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from tests.evaluation.diagnosed import SCENES, Unknowing, network, subject


def dull():
    """Somebody to whom everything is the same."""
    made = network()
    with torch.no_grad():
        for projection in (made.image_projection, made.text_projection):
            projection.weight.zero_()
            projection.bias.fill_(1.0)
    return made


def ask(who, **options):
    return TeacherAgreement(batch_size=8, **options).evaluate(who)


def test_a_teacher_who_sees_prefers_what_the_caption_was_before():
    metrics = ask(subject(teacher=network())).metrics
    for name in ("prefers_clean", "prefers_clean_swapped", "first_true"):
        assert metrics[f"teacher_{name}"] == metrics[f"student_{name}"] == 100
    # Scenes 1, 3, 5, ... are called 5, 7, 9, ...: never true, but true of a neighbour.
    assert metrics["label_noisy_true"] == 0
    assert metrics["teacher_advice_noisy_label"] < 30 < 80 < metrics["teacher_advice_clean_label"]
    assert metrics["teacher_advice_swapped_label"] == metrics["teacher_advice_noisy_label"]
    assert metrics["teacher_advice_clean_true"] > 99


def test_whoever_says_always_the_same_guesses():
    result = ask(subject(teacher=dull()))
    guessed = {name: value for name, value in result.chance.items() if name.startswith("teacher")}
    assert guessed["teacher_prefers_clean"] == 50
    assert guessed["teacher_advice_noisy_label"] == pytest.approx(100 / 8)
    for name, value in guessed.items():
        if name != "teacher_first_true":
            assert result.metrics[name] == pytest.approx(value)
    assert result.metrics["student_prefers_clean"] == 100
    assert result.score == 50


def test_advice_is_the_softmax_of_similarities_over_the_temperature():
    who = subject()
    metrics = ask(who).metrics
    split, table = who.dataset.split("train"), network().image_projection.weight.double()
    features = torch.nn.functional.normalize(table, dim=0).T
    own, true = [], []
    for first in range(0, SCENES, 8):
        rows = range(first, first + 8)
        shown = torch.stack([features[split.said(row)] for row in rows])
        for row in rows:
            share = (shown @ features[row] / 0.05).softmax(0).tolist()
            own.append(share[row - first])
            holds = [split.holds(row, split.text(other)) for other in rows]
            true.append(sum(part for part, so in zip(share, holds, strict=True) if so))
    noisy = slice(1, None, 2)
    assert metrics["student_advice_noisy_label"] == pytest.approx(100 * sum(own[noisy]) / 12)
    assert metrics["student_advice_noisy_true"] == pytest.approx(100 * sum(true[noisy]) / 12)


def test_every_image_has_its_figures_and_every_item_its_gain():
    result = ask(subject(teacher=dull()))
    assert len(result.sampled) == SCENES
    for name, figures in result.samples.items():
        assert sum(figures) / SCENES == pytest.approx(result.metrics[name])
    assert result.samples.keys() == result.metrics.keys()
    noisy = [noise != "clean" for noise in result.items["noise"]]
    assert [gain > 0.1 for gain in result.items["student_gain"]] == noisy
    assert set(result.items["teacher_gain"]) == {0.0}


def test_where_nobody_teaches_the_student_is_asked_under_its_own_name():
    empty = Network(None, None, None, None)
    for teacher in (None, empty):
        metrics = ask(subject(teacher=teacher)).metrics
        assert metrics["student_prefers_clean"] == 100
        assert not any(name.startswith("teacher") for name in metrics)


def test_only_so_many_items_are_asked_about():
    assert ask(subject(), limit=10).items["index"] == list(range(10))


def test_while_training_goes_on_it_is_still_the_noise_of_training():
    result = TeacherAgreement().evaluate(subject(), "val")
    assert result.split == "train" and "student_prefers_clean" in result.metrics


def test_clean_data_have_nothing_to_correct():
    with pytest.warns(AlbefkitWarning, match="no caption of the split 'val' is noisy"):
        result = ask(subject(), split="val")
    assert result.score == result.metrics["student_first_true"] == 100
    assert not any("noisy" in name or "prefers" in name for name in result.metrics)


def test_data_that_do_not_know_their_noise_say_so():
    with pytest.raises(ComponentError, match=r"needs data that know their noise.*Unknowing do not"):
        ask(subject(Unknowing()))


def test_nothing_aligned_nothing_advised():
    blind = subject(space=NoSpace())
    blind.network.image_projection = None
    with pytest.raises(ComponentError, match="no space that images and texts share"):
        ask(blind)
