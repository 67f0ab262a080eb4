"""What data sets of drawn scenes have in common."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, TypeVar

import numpy as np
from pydantic import Field

from albefkit.data.base import Dataset, Split, SplitName
from albefkit.data.scenes.lexicon import LEXICON
from albefkit.data.scenes.pictures import Pictures
from albefkit.data.scenes.words import CROP_SCALE, MAX_OBJECTS
from albefkit.data.scenes.world import GENERATOR_VERSION, World
from albefkit.seeding import numpy_rng

_T = TypeVar("_T")


class DrawnDataset(Dataset):
    """Drawn scenes of coloured shapes; needs no download.

    Args:
        size: side of a picture, in pixels.
        train: number of training items, each with a scene of its own.
        val: number of validation items.
        test: number of test items.
        seed: another seed is another world.
    """

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16)] = 64,
        train: Annotated[int, Field(ge=1)] = 20000,
        val: Annotated[int, Field(ge=1)] = 500,
        test: Annotated[int, Field(ge=1)] = 500,
        seed: int = 0,
    ) -> None:
        self._size, self._seed = size, seed
        self._lengths: dict[SplitName, int] = {"train": train, "val": val, "test": test}
        self._made: dict[SplitName, Split] = {}

    @property
    def crop_scale(self) -> tuple[float, float]:
        """Hardly any crop: a smaller one loses things that the text names."""
        return CROP_SCALE

    def split(self, name: SplitName) -> Split:
        """One part of the world."""
        if name not in self._made:
            self._made[name] = self.make(name, self._lengths[name], self._size, self._seed)
        return self._made[name]

    @abstractmethod
    def make(self, name: SplitName, length: int, size: int, seed: int) -> Split:
        """A split, a function of its arguments."""


class DrawnSplit(Split):
    """Scenes `0 .. length - 1` of one split; scene i goes with text i.

    Args:
        version: what is drawn and said, and in which version: pictures are kept under this name.
        name: of the split.
        length: number of items.
        size: side of a picture, in pixels.
        seed: of the world.
    """

    lexicon = LEXICON

    def __init__(self, version: str, name: SplitName, length: int, size: int, seed: int) -> None:
        self._name, self._length, self._size, self._seed = name, length, size, seed
        self._key = f"{version}-v{GENERATOR_VERSION}-{name}-{seed}"
        identity = f"{self._key} {length} {size}"
        self.fingerprint = hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        return self._length

    def prepare(self) -> None:
        """Draw the pictures and think up the texts, so that workers share both."""
        self.pictures.prepare()
        self.say()

    @cached_property
    def world(self) -> World:
        """What is in the scenes."""
        return self.imagine()

    @cached_property
    def pictures(self) -> Pictures:
        """The scenes as drawn."""
        return Pictures(self.world, self._size, self._key)

    @abstractmethod
    def imagine(self) -> World:
        """Think up the scenes."""

    @abstractmethod
    def say(self) -> None:
        """Think up the texts, and keep them."""


def first_scenes(
    length: int,
    spare: float,
    imagine: Callable[[int], World],
    judge: Callable[[World], Sequence[_T]],
) -> tuple[World, list[_T]]:
    """The first scenes that are good for something, and for what.

    Args:
        length: how many are wanted.
        spare: so many times as many are thought up, and again so many times until it is enough.
        imagine: thinks up so many; a shorter world is the beginning of a longer one.
        judge: what each scene is good for; false where it is for nothing.
    """
    drawn = length
    while True:
        drawn = int(spare * drawn) + 8
        world = imagine(drawn)
        found = judge(world)
        kept = [scene for scene, good in enumerate(found) if good][:length]
        if len(kept) == length:
            return world.rows(kept), [found[scene] for scene in kept]


def unlike(length: int, choices: int, *keys: int | str) -> np.ndarray:
    """What is in each place of each scene, no two of a scene alike: `(n, MAX_OBJECTS)` int64.

    Args:
        length: n.
        choices: the numbers are below this.
        keys: of the random numbers.
    """
    return numpy_rng(*keys).random((length, choices)).argsort(axis=1)[:, :MAX_OBJECTS]
