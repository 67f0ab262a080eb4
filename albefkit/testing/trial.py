"""A component on trial: its class, and what a recipe that has it builds."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch

from albefkit.assemble import Assembly, assemble
from albefkit.data.base import Dataset
from albefkit.data.sampler import Order
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.layers import merge_all
from albefkit.recipe.load import Recipe, recipe_from
from albefkit.recipe.place import Place
from albefkit.recipe.source import from_python
from albefkit.recipe.spec import ComponentSpec
from albefkit.registry import Registrable
from albefkit.registry.catalogue import load
from albefkit.registry.scope import registered
from albefkit.tensors import Batch
from albefkit.testing.contract import Unbuildable
from albefkit.testing.micro import MICRO

OWN_NAME = "component-on-trial"
"""What a class without a name is called in the recipe that has it."""

NOW = Progress(step=2, steps_per_epoch=3, epochs=2)
"""When steps are taken."""


@dataclass(frozen=True)
class Trial:
    """A component and a micro recipe that has it.

    Args:
        kind: its kind.
        component: its class, or the name by which a recipe means it.
        options: what the recipe says to it.
        beside: what the recipe says of everything else, on top of `MICRO` and `company`.
    """

    place: ClassVar[str]
    """Where in a recipe the component stands, dotted."""

    company: ClassVar[Mapping[str, Any]] = {}
    """What the recipe needs besides, to build such a component at all."""

    kind: str
    component: str | type[Registrable]
    options: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Kind and name, for messages."""
        said = self.component if isinstance(self.component, str) else self.component.__name__
        return f"{self.kind} '{said}'"

    @property
    def cls(self) -> type[Registrable]:
        """The class of the component."""
        with self.known():
            return load(self.spec.entry)

    @cached_property
    def recipe(self) -> Recipe:
        """The micro recipe, checked as any recipe is."""
        here = Place("the conformance kit", folder=Path.cwd())
        layers = [MICRO, self.company, self._own(), self.beside]
        with self.known(), building():
            tree = merge_all([from_python(copy.deepcopy(layer), here) for layer in layers])
            return recipe_from(tree.python(), Path("conformance.yaml"))

    @cached_property
    def spec(self) -> ComponentSpec:
        """The component as the recipe has it."""
        return next(each for each in self.recipe.components() if each.path == self.place)

    @cached_property
    def dataset(self) -> Dataset:
        """What the recipe's data are."""
        with self.known(), building():
            return self.recipe.settings.data.build({})

    @cached_property
    def batch(self) -> Batch:
        """The first training batch of those data."""
        assembly, size = self.assembly(), self.recipe.settings.train.batch_size
        order = Order(1, len(self.dataset.split("train")), size)
        return next(iter(train_loader(assembly, order).batches(0, 1)))

    def build(self, seed: int = 1, **neighbours: Any) -> Any:
        """The component alone, from random numbers of its own."""
        with self.known(), building(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.spec.build(neighbours)

    def assembly(self, seed: int = 1) -> Assembly:
        """Everything the recipe asks for; another seed is other weights."""
        with self.known(), building():
            settings = self.recipe.settings
            seeded = replace(settings, train=replace(settings.train, seed=seed))
            return assemble(replace(self.recipe, settings=seeded), dataset=self.dataset)

    def exercise(self) -> None:
        """Build the component and use it as a run does, with whatever global state there is."""
        raise NotImplementedError

    @contextmanager
    def known(self) -> Iterator[None]:
        """A class without a name can be named inside; blocks may be nested."""
        if isinstance(self.component, str):
            yield
        else:
            with registered(OWN_NAME, self.component):
                yield

    def _own(self) -> Mapping[str, Any]:
        name = self.component if isinstance(self.component, str) else OWN_NAME
        layer: Any = {"type": name, **self.options}
        for key in reversed(self.place.split(".")):
            layer = {key: layer}
        return layer


@contextmanager
def building() -> Iterator[None]:
    """Whatever goes wrong inside is about the building, not about what is checked."""
    try:
        yield
    except Exception as error:
        raise Unbuildable(f"{type(error).__name__}: {error}") from error
