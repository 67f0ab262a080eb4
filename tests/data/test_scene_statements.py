"""Statements about scenes: true where they are said to be, and only pictures tell."""

from __future__ import annotations

import itertools
import pickle
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from albefkit.data.base import Dataset
from albefkit.data.scenes.statements import SceneStatements, StatementsSplit
from albefkit.data.scenes.stating import FORMS
from albefkit.data.scenes.words import COLOURS, NUMBERS, PLURALS, SHAPES, SIZE_WORDS
from albefkit.data.text import pre_caption
from albefkit.data.transforms import TrainTransform, swap_sides
from tests.data.text_only import guesses

RNG = np.random.default_rng(0)
HALF = (0.5, 0.5, 0.5)
SINGULAR = {plural: shape for shape, plural in PLURALS.items()} | {"things": "thing"}
SIZE_OF = {word: size for size, words in SIZE_WORDS.items() for word in words if word}
NUMBER_OF = {word: number for number, word in NUMBERS.items()}
THING = r"(?:an? )?(?P<thing>(?:\w+ )*?\w+)"
READINGS = {
    rf"both pictures show {THING}": lambda n, _: n[0] > 0 and n[1] > 0,
    rf"there is {THING} in both pictures": lambda n, _: n[0] > 0 and n[1] > 0,
    rf"exactly one picture shows {THING}": lambda n, _: (n[0] > 0) + (n[1] > 0) == 1,
    rf"there is {THING} in only one of the pictures": lambda n, _: (n[0] > 0) + (n[1] > 0) == 1,
    rf"at least one picture shows {THING}": lambda n, _: sum(n) > 0,
    rf"there is {THING} in at least one picture": lambda n, _: sum(n) > 0,
    rf"neither picture shows {THING}": lambda n, _: sum(n) == 0,
    rf"there is no {THING} in the pictures": lambda n, _: sum(n) == 0,
    rf"the left picture shows {THING}": lambda n, _: n[0] > 0,
    rf"the right picture shows {THING}": lambda n, _: n[1] > 0,
    rf"there is {THING} in the left picture": lambda n, _: n[0] > 0,
    rf"there is {THING} in the right picture": lambda n, _: n[1] > 0,
    rf"only the left picture shows {THING}": lambda n, _: n[0] > 0 and n[1] == 0,
    rf"only the right picture shows {THING}": lambda n, _: n[1] > 0 and n[0] == 0,
    rf"there is {THING} in the left picture only": lambda n, _: n[0] > 0 and n[1] == 0,
    rf"there is {THING} in the right picture only": lambda n, _: n[1] > 0 and n[0] == 0,
    rf"the left picture has more {THING} than the right one": lambda n, _: n[0] > n[1],
    rf"the right picture has more {THING} than the left one": lambda n, _: n[1] > n[0],
    rf"there are more {THING} in the left picture": lambda n, _: n[0] > n[1],
    rf"there are more {THING} in the right picture": lambda n, _: n[1] > n[0],
    rf"the pictures have the same number of {THING}": lambda n, _: n[0] == n[1],
    rf"there are as many {THING} in one picture as in the other": lambda n, _: n[0] == n[1],
    rf"there are exactly (?P<number>\w+) {THING} in the two pictures": lambda n, k: sum(n) == k,
    rf"together the pictures show exactly (?P<number>\w+) {THING}": lambda n, k: sum(n) == k,
    rf"the picture shows no {THING}": lambda n, _: n[0] == 0,
    rf"there is no {THING} in the picture": lambda n, _: n[0] == 0,
    rf"the picture shows exactly (?P<number>\w+) {THING}": lambda n, k: n[0] == k,
    rf"exactly (?P<number>\w+) {THING} are shown": lambda n, k: n[0] == k,
    rf"the picture shows {THING}": lambda n, _: n[0] > 0,
    rf"there is {THING} in the picture": lambda n, _: n[0] > 0,
}
"""A statement and what it says, read by itself; the first that fits is meant."""


def fits(one, words: str) -> bool:
    *looks, noun = words.split()
    noun = SINGULAR.get(noun, noun)
    assert noun in (*SHAPES, "thing") and set(looks) <= {*COLOURS, *SIZE_OF}, words
    return noun in (one.shape, "thing") and all(
        SIZE_OF[look] == one.size if look in SIZE_OF else look == one.colour for look in looks
    )


def true(text: str, pictures) -> bool:
    """Whether a statement is true of pictures, given the objects of each from left to right."""
    for reading, holds in READINGS.items():
        if found := re.fullmatch(reading, text):
            counts = [sum(fits(one, found["thing"]) for one in objects) for objects in pictures]
            return holds(counts, NUMBER_OF.get(found.groupdict().get("number") or ""))
    raise AssertionError(f"nobody understands '{text}'")


def split(length: int = 2000, name="train", **settings) -> StatementsSplit:
    return SceneStatements(size=16, **{name: length}, **settings).split(name)  # type: ignore[return-value]


def items(of: StatementsSplit):
    return [of.item(index, RNG) for index in range(len(of))]


def test_a_recipe_finds_it_by_name() -> None:
    assert Dataset.by_name("scene-statements") is SceneStatements
    two, one = SceneStatements(), SceneStatements(images=1)
    assert two.classes == ("false", "true")
    assert (two.images_per_text, one.images_per_text) == (2, 1)


@pytest.mark.parametrize("images", [1, 2])
def test_statements_are_true_where_they_are_said_to_be(images: int) -> None:
    for seed in range(2):
        for item in items(split(images=images, seed=seed)):
            assert true(item.text, item.fields["objects"]) == bool(item.fields["label"]), item.text
            assert len(item.images) == len(item.fields["objects"]) == images


@pytest.mark.parametrize("images", [1, 2])
def test_every_form_turns_up_as_often_as_it_should(images: int) -> None:
    found = Counter(item.fields["form"] for item in items(split(4000, images=images)))
    total = sum(form.share for form in FORMS[images])
    for form in FORMS[images]:
        assert found.pop(form.name) * total / (4000 * form.share) == pytest.approx(1, abs=0.25)
    assert not found


def test_a_mirrored_statement_is_as_true() -> None:
    transform = TrainTransform(16, HALF, HALF, crop_scale=(1.0, 1.0), flip="unless-sided")
    rng, mirrored = np.random.default_rng(1), 0
    for item in items(split(400)):
        pictures, text = transform.pictures(item.images, item.text, rng)
        if all(np.array_equal(a, b) for a, b in zip(pictures, item.images, strict=True)):
            assert text == item.text
            continue
        mirrored += 1
        np.testing.assert_array_equal(pictures[0], item.images[1][:, ::-1])
        assert text == swap_sides(item.text)
        assert true(text, item.fields["objects"][::-1]) == bool(item.fields["label"])
    assert 150 < mirrored < 250


def test_every_wording_is_as_often_true_as_false() -> None:
    counts: dict[str, list[int]] = {}
    for item in items(split()):
        counts.setdefault(item.text, [0, 0])[item.fields["label"]] += 1
    assert all(false == true for false, true in counts.values())
    assert len(counts) > 500


def test_words_alone_stay_near_chance() -> None:
    train, test = items(split(4000)), items(split(1000, "test"))
    said = [item.text for item in train], [item.text for item in test]
    guessed = guesses(said[0], labels(train).tolist(), said[1])
    assert 0.45 < np.mean(guessed == labels(test)) < 0.55


def test_pictures_alone_stay_near_chance() -> None:
    train, test = items(split(4000)), items(split(1000, "test"))
    told = judged(seen(train), seen(test), labels(train), labels(test))
    assert 0.4 < told < 0.6


def labels(of) -> np.ndarray:
    return np.array([item.fields["label"] for item in of])


def seen(of) -> np.ndarray:
    """What there is in each picture: how many objects of each shape, colour and size."""
    kinds = (*SHAPES, *COLOURS, *SIZE_WORDS)
    rows = [
        [
            sum(kind in one[:3] for one in objects)
            for objects in item.fields["objects"]
            for kind in kinds
        ]
        for item in of
    ]
    return np.array(rows, float)


def judged(train, test, right, wanted) -> float:
    """Accuracy of a linear classifier on what it has not seen."""
    train, test = (np.hstack([table, np.ones((len(table), 1))]) for table in (train, test))
    ridge = train.T @ train + np.eye(train.shape[1])
    weight = np.linalg.solve(ridge, train.T @ (2.0 * right - 1))
    return float(np.mean((test @ weight > 0) == wanted))


def test_pictures_are_those_of_the_objects_and_never_the_same_twice() -> None:
    of = split(40)
    for statement in of.statements[:20]:
        for scenes in statement.scenes:
            assert len(set(scenes)) == 2
    item = of.item(3, RNG)
    scenes = of.statements[1].scenes[0]
    for image, scene in zip(item.images, scenes, strict=True):
        np.testing.assert_array_equal(image, of.pictures[scene])
    assert item.fields["objects"] == tuple(of.world.objects(scene) for scene in scenes)
    assert item.image_id == scenes[0]


def test_a_shorter_split_is_the_beginning_of_a_longer_one() -> None:
    short, long = split(7), split(1200)
    for index in range(7):
        one, other = short.item(index, RNG), long.item(index, RNG)
        assert one.text == other.text and one.fields == other.fields
        np.testing.assert_array_equal(one.image, other.image)


def test_seeds_and_splits_say_different_things() -> None:
    said = [
        tuple(itertools.islice(split(20, name, seed=seed).captions(), 20))
        for seed in (0, 1)
        for name in ("train", "val", "test")
    ]
    assert len(set(said)) == 6 and len(said[0]) == 20


def test_statements_are_short_and_their_words_known() -> None:
    of = split(4000)
    said = [pre_caption(text) for text in of.captions()]
    looks = {*SHAPES, *PLURALS.values(), *COLOURS, *SIZE_OF, "an"}
    assert {word for text in said for word in text.split()} <= looks | set(of.lexicon.split())
    assert max(len(text.split()) for text in said) <= 14


def test_fingerprints_tell_splits_apart() -> None:
    several = [
        SceneStatements(),
        SceneStatements(images=1),
        SceneStatements(size=32),
        SceneStatements(train=10),
        SceneStatements(seed=1),
    ]
    assert len({one.split("train").fingerprint for one in several}) == len(several)


def test_splits_travel_to_workers(home: Path) -> None:
    of = split(20)
    of.prepare()
    again = pickle.loads(pickle.dumps(of)).item(5, RNG)
    item = of.item(5, RNG)
    assert item.text == again.text and item.fields == again.fields
    np.testing.assert_array_equal(item.images[1], again.images[1])
