"""Toy components, declared as albefkit's own in a scratch site (see `fixtures`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from albefkit.registry import Ablation, default
from tests.toy import bases

if TYPE_CHECKING:
    from somewhere_that_does_not_exist import Corpus


class Camera(bases.Vision):
    """Looks.

    Args:
        patch_size: pixels along a side.
        pretrained: where weights come from.
    """

    def __init__(
        self, *, patch_size: int = 16, pretrained: Literal["auto", True, False] = "auto"
    ) -> None:
        self.patch_size = patch_size
        self.pretrained = pretrained


class Reader(bases.Text):
    """Reads."""

    def __init__(self, corpus: Corpus, *, layers: int = 6) -> None:
        self.corpus = corpus
        self.layers = layers


class Mixer(bases.Fusion):
    """Mixes."""

    def __init__(self, vision: bases.Vision, text: bases.Text, *, width: int | None = 8) -> None:
        self.vision = vision
        self.text = text
        self.width = width


class InBatch(bases.Keys):
    """The others of the batch."""


class Queue(bases.Keys):
    """The last ones.

    Args:
        size: how many.
    """

    ablations: ClassVar[Mapping[str, Ablation]] = {
        "queue": Ablation({"type": "in-batch"}, "only the batch is left")
    }

    def __init__(self, *, size: int) -> None:
        if size <= 0:
            raise ValueError(f"a queue has a length, got {size}")
        self.size = size


class Hard(bases.Negatives):
    """Hard ones."""

    def __init__(self, *, exclude: Literal["pair", "image"] = "pair") -> None:
        self.exclude = exclude


class Random(bases.Negatives):
    """Any."""


class Matching(bases.Objective):
    """Do they match?

    Args:
        negatives: how the wrong partners
            are chosen.
        alpha: how much the teacher counts.
    """

    ablations: ClassVar[Mapping[str, Ablation]] = {
        "hard-negatives": Ablation(edits={"negatives": "random"}, meaning="any will do")
    }

    def __init__(
        self,
        name: str,
        *,
        negatives: bases.Negatives = default("hard"),
        alpha: bases.Schedule = default({"type": "ramp", "to": 0.4}),
    ) -> None:
        self.name = name
        self.negatives = negatives
        self.alpha = alpha


class Many(bases.Objective):
    """Parts of every shape."""

    def __init__(
        self,
        *,
        parts: list[bases.Negatives] = default([]),
        by_name: dict[str, bases.Schedule] = default({}),
        pair: tuple[bases.Schedule, ...] = default([]),
        maybe: bases.Schedule | None = None,
        number_or_part: int | bases.Negatives = default("hard"),
        of: list[str] | None = None,
        switch: bool = False,
        file: Path | None = None,
    ) -> None:
        self.parts = parts
        self.by_name = by_name
        self.pair = pair
        self.maybe = maybe
        self.number_or_part = number_or_part
        self.of = of
        self.switch = switch
        self.file = file


class Momentum(bases.Teacher):
    """Follows.

    Args:
        dropout: on or off.
    """

    def __init__(self, *, momentum: bases.Schedule = default(0.995), dropout: bool = False) -> None:
        self.momentum = momentum
        self.dropout = dropout


class Constant(bases.Schedule):
    """One number."""

    def __init__(self, *, value: float) -> None:
        self.value = value


class Ramp(bases.Schedule):
    """A line."""

    def __init__(self, *, to: float, epochs: float = 1) -> None:
        self.to = to
        self.epochs = epochs


class AdamW(bases.Optimizer):
    """Steps."""

    def __init__(self, *, lr: bases.Schedule = default(1e-4)) -> None:
        self.lr = lr


class Scenes(bases.Dataset):
    """Drawn."""

    def __init__(self, *, size: int = 64) -> None:
        self.size = size


class Captions(bases.Dataset):
    """Photographs.

    Args:
        root: where the images are.
    """

    def __init__(self, *, root: Path) -> None:
        self.root = root


class Retrieval(bases.Evaluator):
    """Finds."""

    def __init__(self, *, rerank: int = 16) -> None:
        self.rerank = rerank
