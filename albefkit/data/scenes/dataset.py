"""The embedded dataset: coloured shapes on textured grounds, drawn at start, with captions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field

from albefkit.data.base import Gallery, Item, Split, SplitName
from albefkit.data.scenes.drawn import DrawnDataset
from albefkit.data.scenes.lexicon import LEXICON
from albefkit.data.scenes.noise import CLEAN, noisy_captions
from albefkit.data.scenes.phrases import ROLLS, Dice, describe
from albefkit.data.scenes.pictures import Pictures
from albefkit.data.scenes.truth import holds, parse
from albefkit.data.scenes.words import MAX_OBJECTS
from albefkit.data.scenes.world import GENERATOR_VERSION, make_world
from albefkit.registry.errors import ComponentError
from albefkit.seeding import numpy_rng


class Scenes(DrawnDataset):
    """Drawn scenes of coloured shapes with captions; needs no download.

    Args:
        size: side of a picture, in pixels.
        train: number of training scenes.
        val: number of validation scenes, captions clean.
        test: number of test scenes, captions clean.
        noise: share of training captions that are web noise (another image's caption, alt-text
            debris, dropped words), 0 to 1.
        objects: fewest and most objects in a scene; one that finds no room is left out.
        seed: another seed is another world.
    """

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16)] = 64,
        train: Annotated[int, Field(ge=1)] = 20000,
        val: Annotated[int, Field(ge=1)] = 500,
        test: Annotated[int, Field(ge=1)] = 500,
        noise: Annotated[float, Field(ge=0, le=1)] = 0.3,
        objects: tuple[int, int] = (1, 4),
        seed: int = 0,
    ) -> None:
        if not 1 <= objects[0] <= objects[1] <= MAX_OBJECTS:
            raise ComponentError(
                f"scenes: objects is {list(objects)}; give fewest and most, 1 to {MAX_OBJECTS}."
            )
        super().__init__(size=size, train=train, val=val, test=test, seed=seed)
        self._noise, self._objects = noise, (objects[0], objects[1])

    def make(self, name: SplitName, length: int, size: int, seed: int) -> ScenesSplit:
        """A split, a function of its arguments; noise is in training only."""
        noise = self._noise if name == "train" else 0.0
        return ScenesSplit(name, length, size, noise, self._objects, seed)


class ScenesSplit(Split):
    """Scenes `0 .. length - 1` of one split.

    An item's fields: `objects` (each with its box), `noisy`, `noise` (what was done to the caption)
    and `clean_text` (what it was before).
    """

    lexicon = LEXICON

    def __init__(
        self,
        name: SplitName,
        length: int,
        size: int,
        noise: float,
        objects: tuple[int, int],
        seed: int,
    ) -> None:
        self._name, self._noise, self._seed = name, noise, seed
        self.world = make_world(seed, name, length, objects)
        world = f"v{GENERATOR_VERSION}-{name}-{seed}-{objects[0]}to{objects[1]}"
        self._pictures = Pictures(self.world, size, world)
        identity = f"scenes {world} {length} {size} {noise!r}"
        self.fingerprint = hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        return len(self.world)

    def prepare(self) -> None:
        """Draw the pictures and say the captions, so that workers share both."""
        self._pictures.prepare()
        self._said  # noqa: B018

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Scene `index`; nothing about it is left to chance."""
        texts, noise = self._said
        fields = {
            "noisy": noise[index] != CLEAN,
            "noise": noise[index],
            "clean_text": self.clean_captions[index],
            "objects": self.world.objects(index),
        }
        return Item(self._pictures[index], texts[index], index, fields)

    def captions(self) -> Sequence[str]:
        """Every caption as training sees it, noise included."""
        return self._said[0]

    def gallery(self) -> Gallery:
        """Every scene with its one caption."""
        everyone = range(len(self))
        names = [f"scene {index}" for index in everyone]
        return Gallery(len(self), self._pictures.__getitem__, self.captions(), everyone, names)

    def holds(self, index: int, text: str) -> bool | None:
        """Whether a caption is true of scene `index`; None where it is no caption of scenes, or
        where people might not agree.
        """
        claims = parse(text)
        if claims is None:
            return None
        return holds(claims, self.world.objects(index), self.world.background(index))

    @cached_property
    def clean_captions(self) -> list[str]:
        """Every caption before noise."""
        rolls = numpy_rng(self._seed, "captions", self._name).random((len(self), ROLLS)).tolist()
        world = self.world
        return [
            describe(world.objects(index), world.background(index), Dice(row))
            for index, row in enumerate(rolls)
        ]

    @cached_property
    def _said(self) -> tuple[list[str], list[str]]:
        return noisy_captions(self.clean_captions, self._noise, self._seed, self._name)
