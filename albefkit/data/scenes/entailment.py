"""Drawn scenes, half hidden, with sentences they entail, contradict or leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from albefkit.data.base import Item, SplitName
from albefkit.data.entailment import CLASSES
from albefkit.data.scenes.claims import ROLLS, SIDES, claim, cover
from albefkit.data.scenes.drawn import DrawnDataset, DrawnSplit, unlike
from albefkit.data.scenes.phrases import Dice
from albefkit.data.scenes.words import COLOURS, MAX_OBJECTS, SHAPES
from albefkit.data.scenes.world import World, make_world
from albefkit.seeding import numpy_rng

ENTAILMENT_VERSION = 2
"""To be raised with every change of what is drawn or said: cached pictures carry it."""

_QUARTERS, _SHARE = 4, 0.6
_SMALLER, _REACH, _GAP = 0.9, 1.1, 0.004
_ORDER = np.array([[1, 3, 0, 2], [0, 2, 1, 3], [2, 3, 0, 1], [0, 1, 2, 3]])
"""For each hidden side: the quarters that are seen, and then the others, line by line."""


class SceneEntailment(DrawnDataset):
    """Drawn scenes behind half a curtain, each with a sentence and its label; needs no download.

    A sentence says what one thing looks like, or where it is. If the thing is seen, that is
    entailed or contradicted; if it is behind the curtain, the sentence is neutral. A third each.
    Neither the words alone nor the picture alone tell the labels apart.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Contradiction, neutral, entailment."""
        return CLASSES

    def make(self, name: SplitName, length: int, size: int, seed: int) -> EntailmentSplit:
        """A split, a function of its arguments; a shorter one is the beginning of a longer one."""
        return EntailmentSplit(name, length, size, seed)


class EntailmentSplit(DrawnSplit):
    """Scenes with a sentence each.

    An item's fields: `label`, `hidden` (the side behind the curtain) and `objects`, hidden ones
    included.
    """

    def __init__(self, name: SplitName, length: int, size: int, seed: int) -> None:
        super().__init__(f"entailment{ENTAILMENT_VERSION}", name, length, size, seed)

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Scene `index`; nothing about it is left to chance."""
        hidden = self.hidden[index]
        fields = {
            "label": self.labels[index],
            "hidden": hidden,
            "objects": self.world.objects(index),
        }
        return Item(cover(self.pictures[index], hidden), self.captions()[index], index, fields)

    def captions(self) -> Sequence[str]:
        """Every sentence."""
        return self._sentences

    def item_texts(self) -> Sequence[str]:
        """Every sentence."""
        return self._sentences

    @cached_property
    def labels(self) -> list[int]:
        """The number of each sentence's class; among every three are all of them."""
        blocks = -(-len(self) // len(CLASSES))
        rolls = numpy_rng(self._seed, "entailment-labels", self._name).random(
            (blocks, len(CLASSES))
        )
        return rolls.argsort(axis=1).flatten()[: len(self)].tolist()

    @cached_property
    def hidden(self) -> list[str]:
        """The side of each picture that is hidden."""
        return [SIDES[side] for side in self._sides.tolist()]

    @cached_property
    def _sides(self) -> np.ndarray:
        rng = numpy_rng(self._seed, "entailment-curtains", self._name)
        return (len(SIDES) * rng.random(len(self))).astype(np.int64)

    @cached_property
    def _sentences(self) -> list[str]:
        rolls = numpy_rng(self._seed, "entailment-said", self._name).random((len(self), ROLLS))
        return [
            claim(self.world.objects(index), hidden, CLASSES[label], Dice(row))
            for index, (hidden, label, row) in enumerate(
                zip(self.hidden, self.labels, rolls.tolist(), strict=True)
            )
        ]

    def say(self) -> None:
        """Think up the sentences, and keep them."""
        self._sentences  # noqa: B018

    def imagine(self) -> World:
        """Up to four unlike things, each inside a quarter of the picture, so that a curtain cuts
        none: the first two are seen and the others hidden, one of each at least.
        """
        key = f"entailment-{self._name}"
        world = make_world(self._seed, key, len(self), (_QUARTERS, _QUARTERS))
        rolls = numpy_rng(self._seed, "entailment-places", self._name).random(
            (len(self), _QUARTERS, 4)
        )
        # Which of two quarters comes first is left to chance, apart for those seen and hidden.
        swapped = (rolls[:, ::2, 0] < 0.5).repeat(2, axis=1)
        quarter = _ORDER[self._sides]
        quarter = np.where(swapped, quarter[:, [1, 0, 3, 2]], quarter)
        radius = _SMALLER * world.radius
        room = 0.25 - _REACH * radius[:, :_QUARTERS] - _GAP
        x, y = world.x.copy(), world.y.copy()
        for place, half, roll in ((x, quarter % 2, 1), (y, quarter // 2, 2)):
            place[:, :_QUARTERS] = 0.25 + 0.5 * half + room * (2 * rolls[..., roll] - 1)
        present = np.zeros((len(self), MAX_OBJECTS), bool)
        present[:, :_QUARTERS] = rolls[..., 3] < _SHARE
        present[:, [0, 2]] = True
        return replace(
            world,
            present=present,
            shape=unlike(len(self), len(SHAPES), self._seed, "entailment-shapes", self._name),
            colour=unlike(len(self), len(COLOURS), self._seed, "entailment-colours", self._name),
            x=x,
            y=y,
            radius=radius,
        )
