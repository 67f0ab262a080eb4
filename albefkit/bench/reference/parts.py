"""What of a run the released step can compute, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from albefkit.alignment.in_batch import InBatch
from albefkit.alignment.keys import Keys
from albefkit.alignment.momentum_queue import MomentumQueue
from albefkit.alignment.space import Space
from albefkit.assemble import Assembly
from albefkit.distill.momentum import Momentum
from albefkit.engine.adamw import AdamW
from albefkit.objectives.hard_negatives import Hard
from albefkit.objectives.itc import ITC
from albefkit.objectives.itm import ITM
from albefkit.objectives.mlm import MLM
from albefkit.objectives.mod import MoD
from albefkit.registry.errors import ComponentError, Problem

OBJECTIVES = (ITC, ITM, MLM, MoD)
T = TypeVar("T")


@dataclass(frozen=True)
class Parts:
    """The parts of a run whose settings the released step follows.

    Args:
        itc: which candidates are right, and under which name.
        itm: under which name.
        hard: who is never a negative.
        mlm: how many words are hidden, and which may be.
        mod: the weight of the teacher's word.
        space: temperature and keys.
        teacher: how slowly it follows, and with which weights.
        optimizer: how weights are moved.
        clip_norm: longest gradient, or None.
    """

    itc: ITC
    itm: ITM
    hard: Hard
    mlm: MLM
    mod: MoD
    space: Space
    teacher: Momentum
    optimizer: AdamW
    clip_norm: float | None


def parts_of(assembly: Assembly) -> Parts:
    """Find the parts.

    Raises:
        ComponentError: the recipe asks for what the released step does not do; all of it at once.
    """
    problems = list(_beyond(assembly))
    if problems:
        raise ComponentError(problems)
    pretrainer = assembly.pretrainer
    found = {type(each): each for each in pretrainer.objectives.values()}
    itm = _as(ITM, found[ITM])
    return Parts(
        itc=_as(ITC, found[ITC]),
        itm=itm,
        hard=_as(Hard, itm.negatives),
        mlm=_as(MLM, found[MLM]),
        mod=_as(MoD, found[MoD]),
        space=_as(Space, pretrainer.space),
        teacher=_as(Momentum, pretrainer.teacher),
        optimizer=_as(AdamW, assembly.optimizer),
        clip_norm=assembly.recipe.settings.train.clip_norm,
    )


def _beyond(assembly: Assembly) -> Iterator[Problem]:
    pretrainer, train = assembly.pretrainer, assembly.recipe.settings.train
    objectives = dict(pretrainer.objectives.items())
    kinds = sorted(type(each).__name__ for each in objectives.values())
    if kinds != sorted(kind.__name__ for kind in OBJECTIVES):
        yield _problem("objectives", f"are {', '.join(kinds)}", "one each of ITC, ITM, MLM, MoD")
        return
    yield from _beyond_objectives(objectives, pretrainer.weights)
    yield from _expect("teacher", pretrainer.teacher, Momentum)
    yield from _expect("optimizer", assembly.optimizer, AdamW)
    yield from _beyond_keys(cast(Space, pretrainer.space).keys)
    if train.accumulate != 1:
        yield _problem("train.accumulate", f"is {train.accumulate}", "1")


def _beyond_objectives(objectives: dict[str, Any], weights: dict[str, float]) -> Iterator[Problem]:
    for name, objective in objectives.items():
        if weights[name] != 1.0:
            yield _problem(f"objectives.{name}.weight", f"is {weights[name]}", "1")
        if isinstance(objective, ITM):
            yield from _expect(f"objectives.{name}.negatives", objective.negatives, Hard)
        if isinstance(objective, MoD):
            asked = objective.asks(objectives)
            if asked != {key for key, each in objectives.items() if each.distillable}:
                yield _problem(
                    f"objectives.{name}.of", f"is {', '.join(sorted(asked))}", "ITC and MLM"
                )


def _beyond_keys(keys: Keys) -> Iterator[Problem]:
    yield from _expect("alignment.keys", keys, InBatch, MomentumQueue)
    if isinstance(keys, MomentumQueue) and keys.unfilled != "random":
        yield _problem("alignment.keys.unfilled", f"is {keys.unfilled}", "random")


def _expect(path: str, part: object, *kinds: type) -> Iterator[Problem]:
    # Not `isinstance`: a subclass may compute something else.
    if type(part) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        yield _problem(path, f"is {type(part).__name__}", wanted)


def _problem(path: str, given: str, expected: str) -> Problem:
    message = f"{given}, and the released step knows {expected} only."
    return Problem("", path, message, "Compare with another recipe instead.")


def _as(kind: type[T], part: object) -> T:
    assert isinstance(part, kind)
    return part
