"""Evaluators: what was learned, in numbers that people compare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from albefkit.alignment.space import NoSpace, Space
from albefkit.data.base import Dataset, SplitName
from albefkit.network import Network
from albefkit.registry import Registrable


def say_nothing(what: str, done: int, total: int) -> None:
    """For whoever does not want to know how far an evaluation is."""


@dataclass(frozen=True)
class Subject:
    """Who is examined, and how to show things to it.

    Args:
        network: the student, in evaluation mode.
        space: its temperature and keys.
        dataset: where the questions come from.
        transform: an image `(H, W, 3)` uint8 -> `(3, S, S)` float, as the network wants it.
        device: where the network is.
        autocast: makes the context in which the network runs.
        batch_size: rows encoded at a time; pairs are fused in batches of several times as many.
        max_words: words of a text that are read.
        teacher: the network that advised it, or None.
        progress: told now and then what is being done, how many are done, and of how many.
    """

    network: Network
    space: Space | NoSpace
    dataset: Dataset
    transform: Callable[[np.ndarray], Tensor]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext
    batch_size: int = 64
    max_words: int = 30
    teacher: Network | None = None
    progress: Callable[[str, int, int], None] = say_nothing


@dataclass(frozen=True)
class Result:
    """What an evaluator found.

    Args:
        split: what on.
        metrics: figures for the summary, percent unless their name says otherwise.
        score: the one figure by which the better of two checkpoints is kept; more is better.
        chance: what guessing gives, for those of `metrics` where it is known.
        bounds: lower bounds on mutual information, in nats.
        items: one entry per item, to look at.
        samples: metric -> one figure for each of `sampled`, whose mean is the metric, so that two
            runs can be compared: what is not independent (the captions of an image) is one figure.
        sampled: what each figure of `samples` belongs to: the same name, the same thing.
    """

    split: str
    metrics: dict[str, float]
    score: float
    chance: dict[str, float] = field(default_factory=dict)
    bounds: dict[str, float] = field(default_factory=dict)
    items: dict[str, list[object]] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)
    sampled: list[str] = field(default_factory=list)


class Evaluator(Registrable, ABC, kind="evaluator"):
    """Puts a network to a test."""

    split: SplitName
    """What the final figures are for; while training goes on it is `val`."""

    def require(self, network: Network) -> None:
        """Refuse a network that cannot be asked, before it is trained; nothing by default.

        Raises:
            ComponentError: it lacks a part; says which, and what to do.
        """

    @abstractmethod
    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        """Test the subject.

        Args:
            subject: who.
            split: what on; None means the evaluator's own choice. While training goes on, `val` is
                asked for, so that nothing is chosen by the test split.
        """
