"""Scenes with statements that are true or false of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from albefkit.data.base import Item, SplitName
from albefkit.data.scenes.drawn import DrawnDataset, DrawnSplit
from albefkit.data.scenes.phrases import Dice
from albefkit.data.scenes.stating import FORMS, Stated, state
from albefkit.data.scenes.world import World, make_world
from albefkit.seeding import numpy_rng

CLASSES = ("false", "true")

_VERSION = 1
_OBJECTS = (1, 4)
_BLOCK = 500
_FEWEST = 4
_ATTEMPTS = 50


class SceneStatements(DrawnDataset):
    """Drawn scenes, two at a time, with a statement that is true or false; needs no download.

    "only the left picture shows a red star", "the right picture has more large things than the left
    one". Every statement comes twice, of pictures that make it true and of others that make it
    false: its words alone say nothing. Where pictures are mirrored, left and right change places.

    Args:
        images: how many pictures each statement is about: two, or one.
        size: side of a picture, in pixels.
        train: number of training items.
        val: number of validation items.
        test: number of test items.
        seed: another seed is another world.
    """

    def __init__(
        self,
        *,
        images: Literal[1, 2] = 2,
        size: Annotated[int, Field(ge=16)] = 64,
        train: Annotated[int, Field(ge=1)] = 20000,
        val: Annotated[int, Field(ge=1)] = 500,
        test: Annotated[int, Field(ge=1)] = 500,
        seed: int = 0,
    ) -> None:
        super().__init__(size=size, train=train, val=val, test=test, seed=seed)
        self._images = images

    @property
    def classes(self) -> tuple[str, ...]:
        """False, true."""
        return CLASSES

    @property
    def images_per_text(self) -> int:
        """As the recipe says."""
        return self._images

    def make(self, name: SplitName, length: int, size: int, seed: int) -> StatementsSplit:
        """A split, a function of its arguments; a shorter one is the beginning of a longer one."""
        return StatementsSplit(name, length, size, seed, self._images)


class Statement(NamedTuple):
    """A statement and pictures for it.

    Args:
        text: in words.
        form: the name of its form (see `stating.FORMS`).
        scenes: by label: from left to right, scenes that make it false, and that make it true.
    """

    text: str
    form: str
    scenes: tuple[tuple[int, ...], tuple[int, ...]]


class StatementsSplit(DrawnSplit):
    """Items `0 .. length - 1`, a statement where it is true and the same where it is false in turn.

    An item's fields: `label`, 1 where the statement is true; `form`, how the statement is made;
    `objects`, those of each picture.
    """

    def __init__(self, name: SplitName, length: int, size: int, seed: int, images: int) -> None:
        super().__init__(f"statements{_VERSION}-{images}", name, length, size, seed)
        self._images = images

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Item `index`; nothing about it is left to chance."""
        statement, label = self.statements[index // 2], 1 - index % 2
        scenes = statement.scenes[label]
        image, *others = (self.pictures[scene] for scene in scenes)
        fields = {
            "label": label,
            "form": statement.form,
            "objects": tuple(self.world.objects(scene) for scene in scenes),
        }
        return Item(image, statement.text, scenes[0], fields, tuple(others))

    def captions(self) -> Iterator[str]:
        """The statement of every item."""
        return (self.statements[index // 2].text for index in range(len(self)))

    @cached_property
    def statements(self) -> list[Statement]:
        """Every statement, one for two items, block of scenes by block of scenes."""
        found: list[Statement] = []
        for start in range(0, len(self.world), _BLOCK):
            rng = numpy_rng(self._seed, "statements-said", self._name, self._images, start)
            made = _statements(self.world, slice(start, start + _BLOCK), self._images, rng)
            found += itertools.islice(made, _BLOCK // 2)
        return found

    def say(self) -> None:
        """Think up the statements, and keep them."""
        self.statements  # noqa: B018

    def imagine(self) -> World:
        """As many scenes as items, in whole blocks."""
        blocks = -(-len(self) // _BLOCK)
        return make_world(self._seed, f"statements-{self._name}", blocks * _BLOCK, _OBJECTS)


def _statements(
    world: World, rows: slice, images: int, rng: np.random.Generator
) -> Iterator[Statement]:
    """Statements about scenes of a block, without end."""
    dice = Dice(_rolls(rng))
    scenes = range(rows.start, rows.stop)
    forms = [form for form in FORMS[images] for _ in range(form.share)]
    while True:
        form = dice.pick(forms)
        for _ in range(_ATTEMPTS):
            said = state(form, dice.pick(world.objects(dice.pick(scenes))), dice)
            levels = _levels(said, world, rows)
            false, true = (_scenes(said, levels, label, images, dice) for label in (False, True))
            if false and true:
                yield Statement(said.text, form.name, (false, true))
                break


def _rolls(rng: np.random.Generator) -> Iterator[float]:
    while True:
        yield from rng.random(1024).tolist()


def _levels(said: Stated, world: World, rows: slice) -> dict[int, list[int]]:
    """Scenes by how many of the things spoken of they have, or by whether they have any.

    A level that hardly any scene of the block is on would show the same pictures again and again.
    """
    counts = said.look.counts(world, rows)
    if not said.form.counting:
        counts = np.minimum(counts, 1)
    levels = {
        count: (rows.start + np.flatnonzero(counts == count)).tolist()
        for count in range(int(counts.max(initial=0)) + 1)
    }
    return {count: found for count, found in levels.items() if len(found) >= _FEWEST}


def _scenes(
    said: Stated, levels: dict[int, list[int]], label: bool, images: int, dice: Dice
) -> tuple[int, ...]:
    """Scenes of which a statement is true or false, no two the same; empty where there are none."""
    choices = [
        counts for counts in itertools.product(levels, repeat=images) if said.holds(counts) == label
    ]
    chosen: list[int] = []
    for count in dice.pick(choices) if choices else ():
        chosen.append(dice.pick([scene for scene in levels[count] if scene not in chosen]))
    return tuple(chosen)
