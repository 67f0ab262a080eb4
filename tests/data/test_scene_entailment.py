"""Scenes behind half a curtain: what can be told of them, and what cannot."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from albefkit.data.base import Item
from albefkit.data.scenes.entailment import ENTAILMENT_VERSION, EntailmentSplit, SceneEntailment
from albefkit.data.scenes.world import GENERATOR_VERSION
from albefkit.data.transforms import TrainTransform
from tests.data.text_only import guesses

RNG = np.random.default_rng(0)
OPPOSITES = ({"left", "right"}, {"top", "bottom"})
CLASSES = ("contradiction", "neutral", "entailment")
FORMS = {
    "colour": r"the (?:colour of the )?(?P<shape>\w+) is (?P<value>\w+)",
    "shape": r"the (?:shape of the )?(?P<colour>\w+) thing is an? (?P<value>\w+)",
    "place": r"the (?:(?P<colour>\w+) thing|(?P<shape>\w+)) is (?:on|at) the (?P<value>\w+).*",
}


@pytest.fixture(scope="module")
def split() -> EntailmentSplit:
    return SceneEntailment(size=16, train=9000).split("train")


def judged(item: Item) -> tuple[str, str]:
    """The form of a sentence, and what someone who sees the picture would say of it."""
    form, found = next(
        (form, found) for form, line in FORMS.items() if (found := re.fullmatch(line, item.text))
    )
    named = {key: word for key, word in found.groupdict().items() if word and key != "value"}
    hidden, objects = item.fields["hidden"], item.fields["objects"]
    (one,) = [
        one for one in objects if all(getattr(one, key) == word for key, word in named.items())
    ]
    if lies(one.box, hidden):
        # Where it is, but for that it is hidden, is no secret.
        assert form != "place" or {hidden, found["value"]} not in OPPOSITES
        assert form != "place" or hidden != found["value"]
        return form, "neutral"
    so = (
        lies(one.box, found["value"])
        if form == "place"
        else found["value"] == {"colour": one.colour, "shape": one.shape}[form]
    )
    return form, "entailment" if so else "contradiction"


def lies(box: tuple[float, float, float, float], side: str) -> bool:
    """Whether a box is wholly on a side; none is on both."""
    low, high = (box[0], box[2]) if side in ("left", "right") else (box[1], box[3])
    assert low >= 0 and high <= 1 and (high <= 0.5 or low >= 0.5)
    return (high <= 0.5) == (side in ("left", "top"))


def test_labels_are_what_the_picture_says_of_the_sentence(split: EntailmentSplit) -> None:
    forms = Counter()
    for index in range(3000):
        item = split.item(index, RNG)
        form, label = judged(item)
        assert label == CLASSES[item.fields["label"]], item.text
        forms[form, label] += 1
    assert len(forms) == 9 and min(forms.values()) > 250


def test_nothing_can_be_seen_of_the_hidden_side(split: EntailmentSplit) -> None:
    curtains = defaultdict(list)
    for index in range(60):
        item = split.item(index, RNG)
        across = {"left": np.s_[:, :8], "right": np.s_[:, 8:]}
        halves = across | {"top": np.s_[:8], "bottom": np.s_[8:]}
        opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
        hidden = item.fields["hidden"]
        curtains[hidden].append(item.image[halves[hidden]])
        seen = halves[opposite[hidden]]
        np.testing.assert_array_equal(item.image[seen], split.pictures[index][seen])
    assert len(curtains) == 4
    for pictures in curtains.values():
        assert all((picture == pictures[0]).all() for picture in pictures)


def test_a_third_each(split: EntailmentSplit) -> None:
    assert Counter(split.labels) == {0: 3000, 1: 3000, 2: 3000}
    assert set(split.labels[:3]) == {0, 1, 2} and split.labels[:3] != split.labels[3:6]
    assert SceneEntailment().classes == CLASSES


def test_words_alone_do_not_tell_labels_apart(split: EntailmentSplit) -> None:
    test = SceneEntailment(size=16, test=3000).split("test")
    guessed = guesses(split.captions(), split.labels, test.captions())
    assert abs(np.mean(np.array(guessed) == test.labels) - 1 / 3) < 0.035
    # The same classifier finds what words do tell.
    sides = [int("left" in text) + 2 * int("red" in text) for text in split.captions()]
    expected = [int("left" in text) + 2 * int("red" in text) for text in test.captions()]
    guessed = guesses(split.captions(), sides, test.captions())
    assert np.mean(np.array(guessed) == expected) > 0.98


def test_every_word_occurs_with_every_label(split: EntailmentSplit) -> None:
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for text, label in zip(split.captions(), split.labels, strict=True):
        counts[text].update()
        for word in set(text.split()):
            counts[word][label] += 1
    words = {word: each for word, each in counts.items() if sum(each.values()) >= 300}
    assert len(words) > 30
    for word, each in words.items():
        spread = 4.5 * np.sqrt(sum(each.values()) * 2 / 9)
        assert all(abs(each[label] - sum(each.values()) / 3) < spread for label in range(3)), word


def test_the_picture_alone_does_not_tell_labels_apart(split: EntailmentSplit) -> None:
    """What is hidden, and how many things are seen, goes with every label."""
    labels: dict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    for index, (hidden, label) in enumerate(zip(split.hidden, split.labels, strict=True)):
        seen = [one for one in split.world.objects(index) if not lies(one.box, hidden)]
        labels[hidden, len(seen)][label] += 1
    assert set(labels) == {(side, n) for side in ("left", "right", "top", "bottom") for n in (1, 2)}
    for each in labels.values():
        assert max(each.values()) < 0.39 * sum(each.values())


def test_hidden_things_are_often_as_they_are_said_to_be(split: EntailmentSplit) -> None:
    neutral = [index for index, label in enumerate(split.labels) if label == 1]
    true = [
        any({one.colour, one.shape} <= set(split.captions()[index].split()) for one in objects)
        for index in neutral
        if (objects := split.world.objects(index))
        if " is on " not in split.captions()[index] and " is at " not in split.captions()[index]
    ]
    assert 0.45 < np.mean(true) < 0.55


def test_sentences_stay_true_in_a_mirror(split: EntailmentSplit) -> None:
    transform = TrainTransform(16, (0.5,) * 3, (0.5,) * 3, crop_scale=(1, 1), flip="unless-sided")
    mirrored = 0
    for index in range(60):
        item = split.item(index, RNG)
        picture, text = transform.picture(item.image, item.text, np.random.default_rng(index))
        if text != item.text:
            mirrored += 1
            np.testing.assert_array_equal(picture, item.image[:, ::-1])
            objects = [
                one._replace(box=(1 - one.box[2], one.box[1], 1 - one.box[0], one.box[3]))
                for one in item.fields["objects"]
            ]
            seen = replace(item, text=text, fields={**item.fields, "objects": objects})
            assert judged(seen)[1] == CLASSES[item.fields["label"]]
    assert mirrored


def test_a_shorter_split_is_the_beginning_of_a_longer_one() -> None:
    short, long = (SceneEntailment(size=16, train=n).split("train") for n in (5, 50))
    for index in range(5):
        ours, theirs = short.item(index, RNG), long.item(index, RNG)
        assert (ours.text, ours.fields) == (theirs.text, theirs.fields)
        np.testing.assert_array_equal(ours.image, theirs.image)


def test_seeds_and_splits_are_different_worlds() -> None:
    splits = [SceneEntailment(seed=s).split(n) for s in (0, 1) for n in ("val", "test")]
    assert len({tuple(split.captions()) for split in splits}) == 4
    assert len({split.fingerprint for split in splits}) == 4
    assert SceneEntailment(seed=1).split("test").captions() == splits[-1].captions()


def test_splits_travel_to_workers_ready_made() -> None:
    split = SceneEntailment(size=16, val=10).split("val")
    split.prepare()
    got = pickle.loads(pickle.dumps(split)).item(3, RNG)
    assert (got.text, got.fields) == (split.item(3, RNG).text, split.item(3, RNG).fields)


def test_what_changes_is_in_the_version(split: EntailmentSplit) -> None:
    """Pictures are kept between runs under a version: raise it with a change, then this."""
    scenes = [split.world.objects(index) for index in range(50)]
    said = f"{scenes} {split.hidden[:50]} {split.captions()[:50]} {split.labels[:50]}"
    digest = hashlib.blake2b(re.sub(r"\d+\.\d+", "", said).encode(), digest_size=8).hexdigest()
    assert (GENERATOR_VERSION, ENTAILMENT_VERSION, digest) == (4, 2, "1015adcd457a9952")
