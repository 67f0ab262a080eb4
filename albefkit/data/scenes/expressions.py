"""Scenes with expressions that refer to one of their objects, and where it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from albefkit.data.base import Dataset, Item, Split, SplitName
from albefkit.data.scenes.phrases import Dice
from albefkit.data.scenes.pictures import Pictures
from albefkit.data.scenes.referring import ROLLS, Reference, refer
from albefkit.data.scenes.words import MAX_OBJECTS
from albefkit.data.scenes.world import GENERATOR_VERSION, SceneObject, World, make_world
from albefkit.registry.errors import ComponentError
from albefkit.seeding import numpy_rng

EXPRESSIONS_VERSION = 1
"""To be raised with every change of what is drawn or said: cached pictures carry it."""

_SAME_SHAPE, _SAME_COLOUR = 0.5, 0.3
_SPARE = 1.25
_FEWEST = 2


class SceneExpressions(Dataset):
    """Drawn scenes with expressions that each single out one object; needs no download.

    "the small red circle", "the star left of the blue square": an expression is true of one object
    only. In half of the scenes two objects share a shape, in most of the others a colour. In
    training a scene shows one of the expressions for its objects, held-out scenes have one each.

    Args:
        size: side of a picture, in pixels.
        train: number of training scenes.
        val: number of validation scenes.
        test: number of test scenes.
        objects: fewest and most objects in a scene; one that finds no room is left out.
        seed: another seed is another world.
    """

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16)] = 64,
        train: Annotated[int, Field(ge=1)] = 16000,
        val: Annotated[int, Field(ge=1)] = 500,
        test: Annotated[int, Field(ge=1)] = 500,
        objects: tuple[int, int] = (2, 4),
        seed: int = 0,
    ) -> None:
        if not _FEWEST <= objects[0] <= objects[1] <= MAX_OBJECTS:
            raise ComponentError(
                f"scene-expressions: objects is {list(objects)}; give fewest and most, {_FEWEST} "
                f"to {MAX_OBJECTS}."
            )
        self._size, self._objects, self._seed = size, (objects[0], objects[1]), seed
        self._lengths: dict[SplitName, int] = {"train": train, "val": val, "test": test}
        self._made: dict[SplitName, ExpressionsSplit] = {}

    def split(self, name: SplitName) -> ExpressionsSplit:
        """One part of the world."""
        if name not in self._made:
            length = self._lengths[name]
            self._made[name] = ExpressionsSplit(name, length, self._size, self._objects, self._seed)
        return self._made[name]


class _Referable(NamedTuple):
    """Scenes in which something can be referred to.

    Args:
        world: the scenes.
        references: for each, its expressions, in random order.
    """

    world: World
    references: list[list[Reference]]


class ExpressionsSplit(Split):
    """Scenes `0 .. length - 1` of one split.

    An item's fields: `box`, left, top, width and height of what is referred to, in pixels; `boxes`,
    those of all objects; `part`, the kind of expression (`referring.PARTS`); `objects`.
    """

    def __init__(
        self, name: SplitName, length: int, size: int, objects: tuple[int, int], seed: int
    ) -> None:
        self._name, self._length, self._size = name, length, size
        self._objects, self._seed = objects, seed
        few, most = objects
        version = f"v{GENERATOR_VERSION}.{EXPRESSIONS_VERSION}"
        self._key = f"expressions-{version}-{name}-{seed}-{few}to{most}"
        identity = f"{self._key} {length} {size}"
        self.fingerprint = hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        return self._length

    def prepare(self) -> None:
        """Draw the pictures and say the expressions, so that workers share both."""
        self._pictures.prepare()

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Scene `index` with one of its expressions, in training drawn from `rng`."""
        choices = self.references[index]
        chosen = int(rng.integers(len(choices))) if self._name == "train" else 0
        text, target, part = choices[chosen]
        objects = self.world.objects(index)
        boxes = tuple(_pixels(one.box, self._size) for one in objects)
        about = {"box": boxes[target], "boxes": boxes, "part": part, "objects": objects}
        return Item(self._pictures[index], text, index, about)

    def captions(self) -> Iterator[str]:
        """Every expression of every scene."""
        return (each.text for scene in self.references for each in scene)

    @property
    def world(self) -> World:
        """What is in the scenes."""
        return self._referable.world

    @property
    def references(self) -> list[list[Reference]]:
        """The expressions of each scene, at least one, in random order."""
        return self._referable.references

    @cached_property
    def _pictures(self) -> Pictures:
        return Pictures(self.world, self._size, self._key)

    @cached_property
    def _referable(self) -> _Referable:
        """The first scenes in which some object can be singled out."""
        drawn = self._length
        while True:
            drawn = int(drawn * _SPARE) + 8
            world = make_world(self._seed, f"expressions-{self._name}", drawn, self._objects)
            said = self._said(world := self._alike(world))
            kept = [place for place, references in enumerate(said) if references][: self._length]
            if len(kept) == self._length:
                return _Referable(_rows(world, kept), [said[place] for place in kept])

    def _alike(self, world: World) -> World:
        """The first two objects of most scenes share a shape or a colour."""
        table = numpy_rng(self._seed, "expressions-alike", self._name).random(len(world))
        shape, colour = world.shape.copy(), world.colour.copy()
        same_shape = table < _SAME_SHAPE
        same_colour = ~same_shape & (table < _SAME_SHAPE + _SAME_COLOUR)
        shape[same_shape, 1] = shape[same_shape, 0]
        colour[same_colour, 1] = colour[same_colour, 0]
        return replace(world, shape=shape, colour=colour)

    def _said(self, world: World) -> list[list[Reference]]:
        table = numpy_rng(self._seed, "expressions", self._name).random(
            (len(world), MAX_OBJECTS, ROLLS + 1)
        )
        order, rolls = table[..., 0].argsort(axis=1).tolist(), table[..., 1:].tolist()
        return [
            _expressions(world.objects(index), order[index], rolls[index])
            for index in range(len(world))
        ]


def _expressions(
    objects: Sequence[SceneObject], order: Sequence[int], rolls: Sequence[Sequence[float]]
) -> list[Reference]:
    """One for each object that can be singled out; none where there is nothing to choose from."""
    if len(objects) < _FEWEST:
        return []
    targets = [target for target in order if target < len(objects)]
    found = [refer(objects, target, Dice(rolls[target])) for target in targets]
    return [each for each in found if each is not None]


def _pixels(box: tuple[float, float, float, float], size: int) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in shares -> left, top, width, height in pixels."""
    left, top, right, bottom = (size * edge for edge in box)
    return (left, top, right - left, bottom - top)


def _rows(world: World, rows: list[int]) -> World:
    return World(**{each.name: getattr(world, each.name)[rows] for each in fields(World)})
