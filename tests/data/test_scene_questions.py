"""Scenes with questions: certain answers, and no way to them but the picture."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from albefkit.data.loader import TrainLoader
from albefkit.data.sampler import Order
from albefkit.data.scenes.asking import KINDS
from albefkit.data.scenes.questions import QUESTIONS_VERSION, QuestionsSplit, SceneQuestions
from albefkit.data.scenes.words import COLOURS, SHAPES
from albefkit.data.scenes.world import GENERATOR_VERSION, SceneObject
from albefkit.data.transforms import TrainTransform
from tests.data.conftest import Letters
from tests.data.text_only import guesses

RNG = np.random.default_rng(0)
NUMBERS = ("zero", "one", "two", "three")
BESIDE = r"(left of|to the left of|right of|to the right of|above|over|below|under|beneath)"
SIDES = {"left": "left", "right": "right", "above": "above", "over": "above"}


@pytest.fixture(scope="module")
def split() -> QuestionsSplit:
    return SceneQuestions(train=8000).split("train")


def answer(question: str, objects: Sequence[SceneObject]) -> str:
    """What someone who knows the scene would say.

    Raises:
        AssertionError: the question is none of those asked, or more than one thing fits it.
    """
    if found := re.fullmatch(r"(?:what|which) colour is the (\w+)\?", question):
        return only(one for one in objects if one.shape == found[1]).colour
    if found := re.fullmatch(r"what shape is the (\w+) thing\?|which shape is (\w+)\?", question):
        return only(one for one in objects if one.colour in found.groups()).shape
    if found := re.fullmatch(r"is (?:there )?an? ([\w ]+?)(?: in the picture)?\?", question):
        words = set(found[1].split()) - {"thing"}
        return "yes" if any(words <= {one.colour, one.shape} for one in objects) else "no"
    if found := re.fullmatch(r"how many (?:(\w+) )?(\w+) are (?:there|in the picture)\?", question):
        colour, noun = found.groups()
        fits = [one.colour == colour if colour else noun.startswith(one.shape) for one in objects]
        return NUMBERS[sum(fits)]
    if found := re.fullmatch(r"is the (.+) above or below the (.+)\?", question):
        one, other = (thing(name, objects) for name in found.groups())
        assert abs(one.y - other.y) > 0.09
        return "above" if one.y < other.y else "below"
    if found := re.fullmatch(rf"is the (.+?) {BESIDE} the (.+)\?", question):
        one, other = thing(found[1], objects), thing(found[3], objects)
        assert abs(one.x - other.x) > 0.09
        return "yes" if beside(found[2], one, other) else "no"
    found = re.fullmatch(rf"what shape is {BESIDE} the (.+)\?", question)
    assert found, f"no known question: {question}"
    other = thing(found[2], objects)
    assert len(objects) > 2
    return only(one for one in objects if one is not other and beside(found[1], one, other)).shape


def beside(words: str, one: SceneObject, other: SceneObject) -> bool:
    side = next((side for word, side in SIDES.items() if word in words.split()), "below")
    ahead = {"left": other.x - one.x, "above": other.y - one.y}
    ahead |= {"right": -ahead["left"], "below": -ahead["above"]}
    return ahead[side] > 0


def thing(name: str, objects: Sequence[SceneObject]) -> SceneObject:
    return only(one for one in objects if f"{one.colour} {one.shape}" == name)


def only(fitting) -> SceneObject:
    (one,) = fitting
    return one


def test_answers_are_true_and_questions_have_but_one(split: QuestionsSplit) -> None:
    for index, question in enumerate(split.questions):
        objects = split.world.objects(index)
        assert answer(question.text, objects) == question.answer, (question, objects)


def test_every_kind_of_question_and_every_answer_turns_up(split: QuestionsSplit) -> None:
    kinds = Counter(question.kind for question in split.questions)
    assert set(kinds) == set(KINDS) and min(kinds.values()) > 0.015 * len(split)
    dataset = SceneQuestions()
    assert {question.answer for question in split.questions} == set(dataset.classes)
    assert list(dataset.classes) == sorted(dataset.classes)


def test_answers_do_not_change_in_a_mirror() -> None:
    # Where the words left and right follow a mirrored picture, those of an answer do not.
    assert not {"left", "right"} & set(SceneQuestions().classes)


def test_words_alone_do_not_give_the_answer_away(split: QuestionsSplit) -> None:
    """Text alone tells what kind of answer is wanted, and then no more than the commonest would."""
    dataset = SceneQuestions(size=16, test=3000)
    unseen = [dataset.split("test").item(index, RNG) for index in range(3000)]
    labels = [dataset.classes.index(question.answer) for question in split.questions]
    texts = [question.text for question in split.questions]
    guessed = guesses(texts, labels, [item.text for item in unseen])
    shares = []
    for kind in KINDS:
        rows = [row for row, item in enumerate(unseen) if item.fields["kind"] == kind]
        right = [unseen[row].fields["label"] for row in rows]
        found = np.mean([guessed[row] == label for row, label in zip(rows, right, strict=True)])
        commonest = max(Counter(right).values()) / len(rows)
        assert found < commonest + 0.05, kind
        shares.append(commonest * len(rows) / len(unseen))
    overall = np.mean([g == item.fields["label"] for g, item in zip(guessed, unseen, strict=True)])
    assert 0.2 < overall < sum(shares) + 0.02 < 0.3


def test_of_the_answers_to_a_kind_none_is_frequent(split: QuestionsSplit) -> None:
    for kind in KINDS:
        counts = Counter(each.answer for each in split.questions if each.kind == kind)
        assert max(counts.values()) < 1.3 * sum(counts.values()) / len(counts), kind


def test_a_guess_at_presence_cannot_go_by_the_parts(split: QuestionsSplit) -> None:
    hard = [
        {colour, shape} <= {word for one in objects for word in (one.colour, one.shape)}
        for question, objects in zip(
            split.questions, map(split.world.objects, range(len(split))), strict=True
        )
        if question.kind == "presence" and question.answer == "no" and len(objects) > 1
        for colour, shape in re.findall(r"an? (\w+) (\w+)\b", question.text)
        if colour in COLOURS and shape in SHAPES
    ]
    assert 0.4 < np.mean(hard) < 0.6


def test_items_hold_what_is_asked_for() -> None:
    dataset = SceneQuestions(size=16, val=40)
    split = dataset.split("val")
    for index in range(40):
        item = split.item(index, RNG)
        answers = item.fields["answers"]
        assert answers.texts == answers.given and answers.weights == (1.0,)
        assert dataset.classes[item.fields["label"]] == answers.texts[0]
        assert item.fields["question_id"] == item.image_id == index
        assert item.image.shape == (16, 16, 3)
    said = list(split.captions())
    assert split.item(7, RNG).text in said and split.item(7, RNG).fields["answers"].texts[0] in said
    assert split.clean("What colour is the red-ish star?", 5) == "what colour is the red"


def test_answers_and_labels_reach_the_batch() -> None:
    transform = TrainTransform(16, (0.5,) * 3, (0.5,) * 3, flip="never")
    split = SceneQuestions(size=16, train=8).split("train")
    batch = next(TrainLoader(split, transform, Letters(), Order(0, 8, 4), workers=0).batches())
    assert batch.fields["label"].shape == (4,)
    assert batch.fields["answers"].question.tolist() == [0, 1, 2, 3]


def test_a_shorter_split_is_the_beginning_of_a_longer_one() -> None:
    short, long = (SceneQuestions(size=16, train=n).split("train") for n in (5, 50))
    for index in range(5):
        ours, theirs = short.item(index, RNG), long.item(index, RNG)
        assert (ours.text, ours.fields) == (theirs.text, theirs.fields)
        np.testing.assert_array_equal(ours.image, theirs.image)


def test_seeds_and_splits_are_different_worlds() -> None:
    splits = [SceneQuestions(seed=s).split(n) for s in (0, 1) for n in ("val", "test")]
    assert len({tuple(split.captions()) for split in splits}) == 4
    assert len({split.fingerprint for split in splits}) == 4
    again = SceneQuestions(seed=1).split("test")
    assert again.fingerprint == splits[-1].fingerprint and again.questions == splits[-1].questions


def test_splits_travel_to_workers_ready_made() -> None:
    split = SceneQuestions(size=16, val=10).split("val")
    split.prepare()
    got = pickle.loads(pickle.dumps(split)).item(3, RNG)
    assert got.fields == split.item(3, RNG).fields
    np.testing.assert_array_equal(got.image, split.item(3, RNG).image)


def test_what_changes_is_in_the_version(split: QuestionsSplit) -> None:
    """Pictures are kept between runs under a version: raise it with a change, then this."""
    said = "\n".join(f"{q} {split.world.objects(i)}" for i, q in enumerate(split.questions[:50]))
    digest = hashlib.blake2b(re.sub(r"\d+\.\d+", "", said).encode(), digest_size=8).hexdigest()
    assert (GENERATOR_VERSION, QUESTIONS_VERSION, digest) == (4, 2, "9bdecd800432df49")
