"""Drawn scenes with questions and answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from albefkit.data.base import Item, SplitName, WeightedAnswers
from albefkit.data.scenes.asking import ANSWERS, KINDS, MOST_ALIKE, ROLLS, Question, ask
from albefkit.data.scenes.drawn import DrawnDataset, DrawnSplit, first_scenes, unlike
from albefkit.data.scenes.phrases import Dice
from albefkit.data.scenes.words import COLOURS, MAX_OBJECTS, SHAPES
from albefkit.data.scenes.world import World, make_world
from albefkit.data.text import pre_question
from albefkit.seeding import numpy_rng

QUESTIONS_VERSION = 2
"""To be raised with every change of what is drawn or said: cached pictures carry it."""

_SHARES = {
    "colour": 0.4,
    "shape": 0.18,
    "presence": 0.2,
    "number": 0.1,
    "vertical": 0.04,
    "side": 0.04,
    "neighbour": 0.04,
}
_FEWEST = {"number": 3, "vertical": 2, "side": 2, "neighbour": 3}
_OBJECTS, _SPARE = 3, 1.5
_COUNT_SHARES = (0.25, 0.5, 0.25)


class SceneQuestions(DrawnDataset):
    """Drawn scenes, each with a question and its short answer; needs no download.

    Colours, shapes, what there is, how many, and where things stand to each other. The words of a
    question do not give its answer away: of the possible answers to a kind of question, each is
    right equally often whatever the question names. Who only reads gets about a quarter right.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Every answer there is, by the alphabet."""
        return ANSWERS

    def make(self, name: SplitName, length: int, size: int, seed: int) -> QuestionsSplit:
        """A split, a function of its arguments; a shorter one is the beginning of a longer one."""
        return QuestionsSplit(name, length, size, seed)


class QuestionsSplit(DrawnSplit):
    """Scenes with a question each.

    An item's fields: `answers`, `label` (the answer's place among the classes), `question_id` (the
    index), `kind` (one of `asking.KINDS`) and `objects`.
    """

    def __init__(self, name: SplitName, length: int, size: int, seed: int) -> None:
        super().__init__(f"questions{QUESTIONS_VERSION}", name, length, size, seed)

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Scene `index`; nothing about it is left to chance."""
        text, answer, kind = self.questions[index]
        fields = {
            "answers": WeightedAnswers.counted([answer]),
            "label": ANSWERS.index(answer),
            "question_id": index,
            "kind": kind,
            "objects": self.world.objects(index),
        }
        return Item(self.pictures[index], text, index, fields)

    def clean(self, text: str, max_words: int) -> str:
        """A question as it is read (spec 11)."""
        return pre_question(text, max_words)

    def captions(self) -> Iterator[str]:
        """Every question and every answer."""
        for question in self.questions:
            yield question.text
            yield question.answer

    def item_texts(self) -> Iterator[str]:
        """Every question."""
        return (question.text for question in self.questions)

    @cached_property
    def questions(self) -> list[Question]:
        """The question of each scene."""
        rolls = numpy_rng(self._seed, "questions-said", self._name).random((len(self), ROLLS))
        return [
            ask(KINDS[kind], self.world.objects(index), Dice(row))
            for index, (kind, row) in enumerate(
                zip(self._kinds.tolist(), rolls.tolist(), strict=True)
            )
        ]

    def say(self) -> None:
        """Think up the questions, and keep them."""
        self.questions  # noqa: B018

    def imagine(self) -> World:
        """One to three things, unlike in shape and colour but where some are to be counted."""
        world = self._with_room()
        shape = unlike(len(self), len(SHAPES), self._seed, "questions-shapes", self._name)
        colour = unlike(len(self), len(COLOURS), self._seed, "questions-colours", self._name)
        rolls = numpy_rng(self._seed, "questions-things", self._name).random((len(self), 3))
        counted = self._kinds == KINDS.index("number")
        alike = np.where(counted, 1 + (MOST_ALIKE * rolls[:, 0]).astype(np.int64), 1)
        same = np.arange(MAX_OBJECTS) < alike[:, None]
        for column, chosen in ((shape, rolls[:, 1] < 0.5), (colour, rolls[:, 1] >= 0.5)):
            np.copyto(column, column[:, :1], where=same & chosen[:, None])
        count = 1 + np.searchsorted(np.cumsum(_COUNT_SHARES)[:-1], rolls[:, 2], side="right")
        fewest = np.array([_FEWEST.get(kind, 1) for kind in KINDS])[self._kinds]
        present = np.arange(MAX_OBJECTS) < np.maximum(count, fewest)[:, None]
        return replace(world, present=present, shape=shape, colour=colour)

    def _with_room(self) -> World:
        """The first scenes in which three things found room."""

        def imagine(length: int) -> World:
            key = f"questions-{self._name}"
            return make_world(self._seed, key, length, (_OBJECTS, _OBJECTS))

        def room(world: World) -> list[bool]:
            return np.all(world.present[:, :_OBJECTS], axis=1).tolist()

        return first_scenes(len(self), _SPARE, imagine, room)[0]

    @cached_property
    def _kinds(self) -> np.ndarray:
        """What kind of question each scene is for, `(n,)` index into `KINDS`."""
        bounds = np.cumsum([_SHARES[kind] for kind in KINDS])[:-1]
        rolls = numpy_rng(self._seed, "questions-kinds", self._name).random(len(self))
        return np.searchsorted(bounds, rolls, side="right")
