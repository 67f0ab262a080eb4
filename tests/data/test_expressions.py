"""Expressions single out one object, its box is where it is drawn, and nothing gives it away."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from albefkit.data.scenes.drawing import draw
from albefkit.data.scenes.expressions import ExpressionsSplit, SceneExpressions
from albefkit.data.scenes.words import COLOURS, SHAPES
from albefkit.data.scenes.world import SceneObject
from albefkit.data.text import pre_caption
from albefkit.registry.errors import ComponentError

RNG = np.random.default_rng(0)
SIZES = {"small": "small", "little": "small", "large": "large", "big": "large"}
NOUN = rf"the (?:({'|'.join(SIZES)}) )?(?:({'|'.join(COLOURS)}) )?({'|'.join(SHAPES)})"
STANDS = "left of|to the left of|right of|to the right of|above|over|below|under|beneath"
EXPRESSION = re.compile(rf"{NOUN}(?: ({STANDS}) {NOUN})?")


def referents(text: str, objects: Sequence[SceneObject]) -> list[int]:
    """Everything an expression might refer to, read generously."""
    found = EXPRESSION.fullmatch(text)
    assert found, text
    fitting = fits(found.groups()[:3], objects)
    if found[4] is None:
        return fitting
    (anchor,) = fits(found.groups()[4:], objects)
    other = objects[anchor]
    ahead = {
        "left": lambda one: one.x < other.x,
        "right": lambda one: one.x > other.x,
        "above": lambda one: one.y < other.y,
        "over": lambda one: one.y < other.y,
    }
    (words,) = [word for word in found[4].split() if word not in ("to", "the", "of")]
    stands = ahead.get(words, lambda one: one.y > other.y)
    return [place for place in fitting if place != anchor and stands(objects[place])]


def fits(looks: Sequence[str | None], objects: Sequence[SceneObject]) -> list[int]:
    size, colour, shape = looks
    return [
        place
        for place, one in enumerate(objects)
        if one.shape == shape
        and (colour is None or one.colour == colour)
        and (size is None or one.size == SIZES[size])
    ]


@pytest.fixture(scope="module")
def train() -> ExpressionsSplit:
    return SceneExpressions(train=3000, objects=(2, 6), relations=0.5).make(
        "train", 3000, 64, seed=3
    )


def test_expressions_are_true_of_one_object_only(train):
    for index, references in enumerate(train.references):
        for each in references:
            assert referents(each.text, train.world.objects(index)) == [each.target], each.text


def test_every_scene_has_something_to_refer_to_and_something_else(train):
    assert len(train.references) == len(train) == 3000
    assert min(len(references) for references in train.references) >= 1
    assert {len(train.world.objects(index)) for index in range(3000)} == {2, 3, 4, 5, 6}


def test_kinds_are_told_and_often_needed(train):
    told = [
        (each, train.world.objects(index))
        for index, references in enumerate(train.references)
        for each in references
    ]
    for each, _ in told:
        assert (each.part == "relation") == (EXPRESSION.fullmatch(each.text)[4] is not None)
    related = [(each, objects) for each, objects in told if each.part == "relation"]
    assert 0.4 < len(related) / len(told) < 0.6
    needed = [
        len(fits(EXPRESSION.fullmatch(each.text).groups()[:3], objects)) > 1
        for each, objects in related
    ]
    assert np.mean(needed) > 0.35


def test_the_share_of_relations_is_a_choice():
    few, many = (
        Counter(
            each.part
            for references in SceneExpressions(val=500, relations=share).split("val").references
            for each in references
        )
        for share in (0.0, 1.0)
    )
    assert few["relation"] < 0.1 * few.total()
    assert many["relation"] > 0.7 * many.total()


def test_targets_are_drawn_evenly():
    split = SceneExpressions(test=4000).split("test")
    shapes, places, seen = Counter(), Counter(), Counter()
    for index, (first, *_) in enumerate(split.references):
        objects = split.world.objects(index)
        shapes[objects[first.target].shape] += 1
        if len(objects) == 2 and len(split.references[index]) == 2:
            places[first.target] += 1
        seen[first.text] += 1
    assert max(shapes.values()) < 1.25 * min(shapes.values())
    assert max(places.values()) < 1.1 * min(places.values())
    assert max(seen.values()) < 0.02 * 4000


def test_words_alone_say_little_of_where():
    """Pointing where things stood that were spoken of alike is little better than the middle."""
    dataset = SceneExpressions(train=3000, test=1000)

    def targets(name):
        split = dataset.split(name)
        for index in range(len(split)):
            first = split.references[index][0]
            left, top, right, bottom = split.world.objects(index)[first.target].box
            yield EXPRESSION.fullmatch(first.text)[4], np.array([left, top]), [right, bottom]

    said: dict[str | None, list[np.ndarray]] = {}
    for found, corner, opposite in targets("train"):
        said.setdefault(found, []).append((corner + opposite) / 2)
    usual = {found: np.mean(middles, axis=0) for found, middles in said.items()}
    told = [np.all((c <= usual[f]) & (usual[f] <= o)) for f, c, o in targets("test")]
    middle = [np.all((c <= 0.5) & (np.array(o) >= 0.5)) for _, c, o in targets("test")]
    assert np.mean(told) < np.mean(middle) + 0.08


def test_boxes_are_where_objects_are_drawn():
    split = SceneExpressions(test=30, size=128).split("test")
    drawn = draw(split.world, 0, 30, 128).astype(int)
    for index, (first, *_) in enumerate(split.references):
        item = split.item(index, RNG)
        np.testing.assert_array_equal(item.image, drawn[index])
        assert item.fields["box"] == item.fields["boxes"][first.target]
        assert len(item.fields["boxes"]) == len(item.fields["objects"])
        (slots,) = np.nonzero(split.world.present[index])
        present = split.world.present.copy()
        present[index, slots[first.target]] = False
        without = draw(replace(split.world, present=present), index, index + 1, 128)
        ys, xs = np.nonzero((without[0] != drawn[index]).any(axis=-1))
        x, y, width, height = item.fields["box"]
        found = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        np.testing.assert_allclose(found, (x, y, x + width, y + height), atol=1.6)


def test_training_shows_one_of_several_held_out_scenes_the_same():
    dataset = SceneExpressions(train=50, val=50)
    train, val = dataset.split("train"), dataset.split("val")
    index = max(range(50), key=lambda place: len(train.references[place]))
    shown = {train.item(index, np.random.default_rng(seed)).text for seed in range(40)}
    assert shown == {each.text for each in train.references[index]}
    assert {val.item(5, np.random.default_rng(seed)).text for seed in range(20)} == {
        val.references[5][0].text
    }
    assert set(train.captions()) == {each.text for row in train.references for each in row}


def test_a_shorter_world_is_the_beginning_of_a_longer_one():
    short, long = (SceneExpressions(train=n, size=16).split("train") for n in (5, 60))
    assert short.references == long.references[:5]
    for index in range(5):
        np.testing.assert_array_equal(short.item(index, RNG).image, long.item(index, RNG).image)


def test_splits_travel_to_workers():
    split = SceneExpressions(size=16, train=30).split("train")
    split.prepare()
    copy = pickle.loads(pickle.dumps(split))
    one, two = (each.item(3, np.random.default_rng(1)) for each in (split, copy))
    assert (one.text, one.fields["box"]) == (two.text, two.fields["box"])
    np.testing.assert_array_equal(one.image, two.image)


def test_fingerprints_tell_worlds_apart():
    worlds = [
        SceneExpressions(),
        SceneExpressions(seed=1),
        SceneExpressions(size=32),
        SceneExpressions(train=10),
        SceneExpressions(objects=(2, 3)),
        SceneExpressions(relations=0.5),
    ]
    assert len({world.split("train").fingerprint for world in worlds}) == len(worlds)


def test_words_are_those_that_captions_use():
    words = {
        word
        for caption in SceneExpressions(val=2000).split("val").captions()
        for word in pre_caption(caption).split()
    }
    assert words <= set(COLOURS) | set(SHAPES) | set(SIZES) | set(STANDS.replace("|", " ").split())


def test_what_is_said_does_not_change_unnoticed():
    """Pictures are kept under a version: raise it with what is drawn or said, then this."""
    said = "\n".join(SceneExpressions(test=200).split("test").captions())
    assert hashlib.blake2b(said.encode(), digest_size=8).hexdigest() == "18e42863fcda30c6"


@pytest.mark.parametrize("objects", [(1, 3), (3, 2), (2, 7)])
def test_impossible_numbers_of_objects_are_refused(objects: tuple[int, int]):
    with pytest.raises(ComponentError, match="fewest and most, 2 to 6"):
        SceneExpressions(objects=objects)
