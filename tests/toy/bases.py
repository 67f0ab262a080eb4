"""Toy bases for every kind: recipes and registries are tested without torch."""

from __future__ import annotations

from typing import ClassVar

from albefkit.registry import Registrable


class Vision(Registrable, kind="vision"):
    pass


class Text(Registrable, kind="text"):
    pass


class Fusion(Registrable, kind="fusion"):
    pass


class Keys(Registrable, kind="keys"):
    pass


class Negatives(Registrable, kind="negatives"):
    pass


class Objective(Registrable, kind="objective"):
    pass


class Teacher(Registrable, kind="teacher"):
    pass


class Schedule(Registrable, kind="schedule"):
    shorthand: ClassVar[str | None] = "constant.value"


class Optimizer(Registrable, kind="optimizer"):
    pass


class Dataset(Registrable, kind="dataset"):
    pass


class Evaluator(Registrable, kind="evaluator"):
    pass
