"""Whether a caption is true of a scene."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from albefkit.data.scenes.dataset import Scenes
from albefkit.data.scenes.phrases import RELATIONS, with_article
from albefkit.data.scenes.truth import holds, parse
from albefkit.data.scenes.words import COLOURS, PATTERNS, PLURALS, SHAPES, TONES
from albefkit.data.scenes.world import Background, SceneObject
from albefkit.data.text import pre_caption

SIDES = {
    "left": "right",
    "right": "left",
    "above": "below",
    "over": "under",
    "below": "above",
    "under": "over",
    "beneath": "above",
}
GROUND = Background("striped", "sage")


def thing(shape, colour, x, y, size="medium"):
    return SceneObject(shape, colour, size, x, y, (x - 0.1, y - 0.1, x + 0.1, y + 0.1))


SCENE = (
    thing("circle", "red", 0.2, 0.5, "small"),
    thing("star", "blue", 0.8, 0.5),
    thing("star", "blue", 0.8, 0.15),
    thing("heart", "lime", 0.5, 0.9, "large"),
)


@pytest.mark.parametrize(
    ("caption", "truth"),
    [
        ("a small red circle left of a blue star", True),
        ("a red circle is to the left of two blue stars", True),
        ("a blue star and left of it a little red circle", True),
        ("two blue stars are right of a red circle", True),
        ("a red circle right of a blue star", False),
        ("a large red circle left of a blue star", False),
        ("a red circle left of three blue stars", False),
        ("a red circle, a blue star and a big lime heart", True),
        ("a scene with a red circle, a blue star and a navy heart", False),
        ("a red circle left of a blue star, and a lime heart", True),
        ("a red circle left of a blue star, and a red circle", False),
        ("a blue star above a blue star", True),
        ("a red circle above a blue star", None),
        ("there is a small red circle on the left side", True),
        ("a picture of a blue star in the top right corner on a striped sage background", True),
        ("a blue star at the top", True),
        ("a blue star at the bottom", False),
        ("a blue star in the top right corner on a sage background", True),
        ("a blue star in the top right corner on a dotted sage background", False),
        ("buy now free shipping", None),
        ("red circle of a star", None),
        ("", None),
    ],
)
def test_a_caption_is_true_false_or_not_for_us_to_say(caption, truth):
    claims = parse(caption)
    assert (None if claims is None else holds(claims, SCENE, GROUND)) is truth


@pytest.fixture(scope="module")
def scenes():
    return Scenes(test=3000, objects=(1, 6)).split("test")


def test_every_caption_is_understood_and_true_of_its_own_scene(scenes):
    for index, caption in enumerate(scenes.captions()):
        assert scenes.holds(index, caption) is True, caption
        assert parse(pre_caption(caption)) == parse(caption)


@pytest.mark.parametrize("words", [COLOURS, SHAPES, SIDES, PATTERNS, TONES])
def test_another_word_makes_a_caption_false(scenes, words):
    """Colours and shapes that are nowhere in the scene; the other side; another background."""
    changed = 0
    for index, caption in enumerate(scenes.captions()):
        objects, ground = scenes.world.objects(index), scenes.world.background(index)
        there = {word for one in objects for word in one[:2]} | set(ground)
        if words is SIDES and len({one[:2] for one in objects}) < len(objects):
            continue  # of two that are called alike, either may be meant
        for word in words:
            if word in caption.split() and (word in there or words is SIDES):
                other = next(o for o in words if o not in there | {word})
                other = SIDES.get(word, other) if words is SIDES else other
                spoilt = " ".join(other if each == word else each for each in caption.split())
                assert scenes.holds(index, spoilt) is False, f"{caption} -> {spoilt}"
                changed += 1
                break
    assert changed > 80


def stands(name, one, other):
    """Whether one thing is so to another: True, False, or None for perhaps."""
    dx, dy = one.x - other.x, one.y - other.y
    ahead, aside = {"left": (-dx, dy), "right": (dx, dy), "above": (-dy, dx), "below": (dy, dx)}[
        name
    ]
    if ahead >= 0.1 and ahead >= 1.15 * abs(aside):
        return True
    return None if ahead > -0.02 else False


def by_trying_everything(parts, name, objects):
    """The truth of "some things (stand so to some others), and some more", one by one."""
    slots = [look for count, look in parts for _ in range(count)]
    first, second = parts[0][0], parts[1][0] if len(parts) > 1 else 0
    verdicts = {False}
    for things in permutations(objects, len(slots)):
        if any(
            (one.colour, one.shape) != look[1:] or look[0] not in ("", one.size)
            for one, look in zip(things, slots, strict=True)
        ):
            continue
        told = {True}
        if name:
            told = {
                stands(name, one, other)
                for one in things[:first]
                for other in things[first : first + second]
            }
        verdicts.add(False if False in told else None if None in told else True)
    return True if True in verdicts else None if None in verdicts else False


def test_truth_is_what_trying_everything_finds():
    rng, found = np.random.default_rng(0), Counter()
    split = Scenes(test=300, objects=(2, 5)).split("test")
    for index in range(len(split)):
        objects = split.world.objects(index)
        for _ in range(12):
            parts = []
            for one in (objects[i] for i in rng.integers(len(objects), size=rng.integers(1, 4))):
                size = one.size if rng.random() < 0.4 and one.size != "medium" else ""
                shape = one.shape if rng.random() < 0.9 else "ring"
                parts.append((int(rng.choice([1, 1, 2])), (size, one.colour, shape)))
            name = str(rng.choice(list(RELATIONS))) if len(parts) > 1 else ""
            said = [words(*part) for part in parts]
            caption = f"{said[0]} {rng.choice(RELATIONS[name])} {said[1]}" if name else said[0]
            caption = ", and ".join([caption, *said[2:]])
            truth = by_trying_everything(parts, name, objects)
            assert split.holds(index, caption) is truth, (caption, objects)
            found[truth] += 1
    assert min(found[True], found[False], found[None]) > 50


def words(count, look):
    size, colour, shape = look
    if count == 1:
        return with_article([word for word in (size, colour, shape) if word])
    return " ".join(word for word in ("two", size, colour, PLURALS[shape]) if word)


def test_captions_are_rarely_true_of_other_scenes_and_noise_is_rarely_true_of_its_own():
    split = Scenes(train=400, noise=1.0).split("train")
    own = [split.holds(index, text) for index, text in enumerate(split.captions())]
    clean = split.clean_captions
    other = [split.holds(index, clean[index - 1]) for index in range(len(split))]
    assert other.count(True) < 0.05 * len(other)
    assert own.count(True) < 0.1 * len(own) and own.count(None) > 0.3 * len(own)
