"""Drawn scenes with expressions that refer to one of their objects, and where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from albefkit.data.base import Item, SplitName
from albefkit.data.scenes.drawn import DrawnDataset, DrawnSplit, first_scenes
from albefkit.data.scenes.phrases import Dice
from albefkit.data.scenes.referring import ROLLS, Reference, refer
from albefkit.data.scenes.words import MAX_OBJECTS
from albefkit.data.scenes.world import SceneObject, World, make_world
from albefkit.registry.errors import ComponentError
from albefkit.seeding import numpy_rng

_VERSION = 1
_SAME_SHAPE, _SAME_COLOUR = 0.5, 0.3
_SPARE = 1.25
_FEWEST = 2


class SceneExpressions(DrawnDataset):
    """Drawn scenes with expressions that each single out one object; needs no download.

    "the small red circle", "the star left of the blue square": an expression is true of one object
    only. In half of the scenes two objects share a shape, in most of the others a colour. In
    training a scene shows one of the expressions for its objects, held-out scenes have one each.

    Args:
        objects: fewest and most objects in a scene; one that finds no room is left out.
        relations: share of the expressions, where it can be chosen, that say where the object
            stands to another, 0 to 1; the others name its looks alone.
    """

    def __init__(
        self,
        *,
        objects: tuple[int, int] = (2, 4),
        relations: Annotated[float, Field(ge=0, le=1)] = 0.2,
        size: Annotated[int, Field(ge=16)] = 64,
        train: Annotated[int, Field(ge=1)] = 16000,
        val: Annotated[int, Field(ge=1)] = 500,
        test: Annotated[int, Field(ge=1)] = 500,
        seed: int = 0,
    ) -> None:
        if not _FEWEST <= objects[0] <= objects[1] <= MAX_OBJECTS:
            raise ComponentError(
                f"scene-expressions: objects is {list(objects)}; give fewest and most, {_FEWEST} "
                f"to {MAX_OBJECTS}."
            )
        super().__init__(size=size, train=train, val=val, test=test, seed=seed)
        self._objects, self._relations = (objects[0], objects[1]), relations

    def make(self, name: SplitName, length: int, size: int, seed: int) -> ExpressionsSplit:
        """A split, a function of its arguments; a shorter one is the beginning of a longer one."""
        return ExpressionsSplit(name, length, size, seed, self._objects, self._relations)


class _Referable(NamedTuple):
    """Scenes in which something can be referred to.

    Args:
        world: the scenes.
        references: for each, its expressions, in random order.
    """

    world: World
    references: list[list[Reference]]


class ExpressionsSplit(DrawnSplit):
    """Scenes with expressions.

    An item's fields: `box`, left, top, width and height of what is referred to, in pixels; `boxes`,
    those of all objects; `part`, the kind of expression (`referring.PARTS`); `objects`.
    """

    def __init__(
        self,
        name: SplitName,
        length: int,
        size: int,
        seed: int,
        objects: tuple[int, int],
        relations: float,
    ) -> None:
        version = f"expressions{_VERSION}-{objects[0]}to{objects[1]}-{relations!r}"
        super().__init__(version, name, length, size, seed)
        self._objects, self._relations = objects, relations

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Scene `index` with one of its expressions, in training drawn from `rng`."""
        choices = self.references[index]
        chosen = int(rng.integers(len(choices))) if self._name == "train" else 0
        text, target, part = choices[chosen]
        objects = self.world.objects(index)
        boxes = tuple(_pixels(one.box, self._size) for one in objects)
        about = {"box": boxes[target], "boxes": boxes, "part": part, "objects": objects}
        return Item(self.pictures[index], text, index, about)

    def captions(self) -> Iterator[str]:
        """Every expression of every scene."""
        return (each.text for scene in self.references for each in scene)

    def item_texts(self) -> Iterator[str]:
        """The longest expression of every scene, as one is drawn each time."""
        return (max((each.text for each in scene), key=len) for scene in self.references)

    @property
    def references(self) -> list[list[Reference]]:
        """The expressions of each scene, at least one, in random order."""
        return self._referable.references

    def say(self) -> None:
        """Think up the expressions, and keep them."""
        self._referable  # noqa: B018

    def imagine(self) -> World:
        """The scenes in which some object can be singled out."""
        return self._referable.world

    @cached_property
    def _referable(self) -> _Referable:
        return _Referable(*first_scenes(len(self), _SPARE, self._alike, self._said))

    def _alike(self, length: int) -> World:
        """Scenes of which most have first two objects that share a shape or a colour."""
        world = make_world(self._seed, f"expressions-{self._name}", length, self._objects)
        table = numpy_rng(self._seed, "expressions-alike", self._name).random(len(world))
        shape, colour = world.shape.copy(), world.colour.copy()
        same_shape = table < _SAME_SHAPE
        same_colour = ~same_shape & (table < _SAME_SHAPE + _SAME_COLOUR)
        shape[same_shape, 1] = shape[same_shape, 0]
        colour[same_colour, 1] = colour[same_colour, 0]
        return replace(world, shape=shape, colour=colour)

    def _said(self, world: World) -> list[list[Reference]]:
        table = numpy_rng(self._seed, "expressions-said", self._name).random(
            (len(world), MAX_OBJECTS, ROLLS + 1)
        )
        order, rolls = table[..., 0].argsort(axis=1).tolist(), table[..., 1:].tolist()
        return [
            _expressions(world.objects(index), order[index], rolls[index], self._relations)
            for index in range(len(world))
        ]


def _expressions(
    objects: Sequence[SceneObject],
    order: Sequence[int],
    rolls: Sequence[Sequence[float]],
    relations: float,
) -> list[Reference]:
    """One for each object that can be singled out; none where there is nothing to choose from."""
    if len(objects) < _FEWEST:
        return []
    targets = [target for target in order if target < len(objects)]
    found = [refer(objects, target, Dice(rolls[target]), relations) for target in targets]
    return [each for each in found if each is not None]


def _pixels(box: tuple[float, float, float, float], size: int) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in shares -> left, top, width, height in pixels."""
    left, top, right, bottom = (size * edge for edge in box)
    return (left, top, right - left, bottom - top)
