"""Wrong schedules, optimizers, datasets and evaluators."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from albefkit.data.base import Gallery, Item, SplitName
from albefkit.data.scenes.dataset import Scenes, ScenesSplit
from albefkit.distill.constant import Constant
from albefkit.distill.ramp import Ramp
from albefkit.engine.adamw import AdamW
from albefkit.evaluation.base import Result, Subject
from albefkit.evaluation.retrieval import Retrieval
from albefkit.progress import Progress


class CountsCalls(Constant):
    """Falls whenever it is asked."""

    calls = 0

    def __call__(self, progress: Progress) -> float:
        self.calls += 1
        return self.value / self.calls


class EndsInNothing(Ramp):
    """Divides by what is left of training."""

    def __call__(self, progress: Progress) -> float:
        left = progress.total_steps - progress.step
        return super().__call__(progress) / left if left else float("inf")


class ThrowsDice(Constant):
    """Varies a little by chance."""

    def __call__(self, progress: Progress) -> float:
        return self.value + 0 * float(torch.rand(()))


class MovesFrozenWeights(AdamW):
    """Takes every weight there is."""

    def build(self, named_parameters: Iterable[tuple[str, nn.Parameter]]) -> Optimizer:
        return torch.optim.AdamW([weight for _, weight in named_parameters])


class KeepsItsRate(AdamW):
    """Says a rate that is not in force."""

    def prepare(self, optimizer: Optimizer, progress: Progress) -> float:
        return 2 * super().prepare(optimizer, progress)


class Climbs(AdamW):
    """Goes up where it should go down."""

    def build(self, named_parameters: Iterable[tuple[str, nn.Parameter]]) -> Optimizer:
        trained = [weight for _, weight in named_parameters if weight.requires_grad]
        return torch.optim.SGD(trained, lr=0.1, maximize=True)


class CountsSteps(AdamW):
    """Lets weights decay the more, the longer it has been in memory."""

    steps = 0

    def prepare(self, optimizer: Optimizer, progress: Progress) -> float:
        self.steps += 1
        for group in optimizer.param_groups:
            group["weight_decay"] = 0.1 * self.steps
        return super().prepare(optimizer, progress)


class WeighsTogether(AdamW):
    """Says that it moves each weight by itself, and looks at the length of all gradients."""

    def build(self, named_parameters: Iterable[tuple[str, nn.Parameter]]) -> Optimizer:
        trained = [weight for _, weight in named_parameters if weight.requires_grad]
        optimizer = torch.optim.SGD(trained, lr=0.1)
        optimizer.register_step_pre_hook(lambda *_: _shorten(trained))
        return optimizer


def _shorten(weights: list[nn.Parameter]) -> None:
    nn.utils.clip_grad_norm_(weights, 0.1)


class WithSplits(Scenes):
    """Scenes with splits of another class."""

    made: type[ScenesSplit] = ScenesSplit

    def make(self, name: SplitName, length: int, size: int, seed: int) -> ScenesSplit:
        return self.made(name, length, size, 0.0, (1, 4), seed)


class _Unpicklable(ScenesSplit):
    def item(self, index: int, rng: np.random.Generator) -> Item:
        found = super().item(index, rng)
        return replace(found, fields={**found.fields, "later": lambda: index})


class _Global(ScenesSplit):
    def item(self, index: int, rng: np.random.Generator) -> Item:
        found = super().item(index, rng)
        return replace(found, text=f"{found.text} {np.random.randint(1000)}")


class _Ordered(ScenesSplit):
    asked = 0

    def item(self, index: int, rng: np.random.Generator) -> Item:
        self.asked += 1
        found = super().item(index, rng)
        return replace(found, text=f"{found.text} {self.asked}")


class _Floating(ScenesSplit):
    def item(self, index: int, rng: np.random.Generator) -> Item:
        found = super().item(index, rng)
        return replace(found, image=found.image.astype(np.float32) / 255)


class _Ragged(ScenesSplit):
    def item(self, index: int, rng: np.random.Generator) -> Item:
        found = super().item(index, rng)
        return replace(found, fields={**found.fields, "marks": np.zeros(1 + index % 2)})


class _Nameless(ScenesSplit):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.fingerprint = "scenes"


class _Once(ScenesSplit):
    read = False

    def captions(self) -> list[str]:  # type: ignore[override]
        found, self.read = [] if self.read else list(super().captions()), True
        return found


class _Orphans(ScenesSplit):
    def gallery(self) -> Gallery:
        found = super().gallery()
        return replace(found, owner=[len(found)] * len(found.texts))


class UnpicklableItems(WithSplits):
    """Its items hold a function."""

    made = _Unpicklable


class GlobalChance(WithSplits):
    """Draws its captions from numpy's global generator."""

    made = _Global


class InOrderOnly(WithSplits):
    """Its items depend on what was asked before."""

    made = _Ordered


class FloatingPixels(WithSplits):
    """Its images are not uint8."""

    made = _Floating


class RaggedFields(WithSplits):
    """Its fields make no batch."""

    made = _Ragged


class SameFingerprint(WithSplits):
    """All its splits claim to be the same data."""

    made = _Nameless


class ReadOnce(WithSplits):
    """Gives its captions once."""

    made = _Once


class TextsOfNobody(WithSplits):
    """The texts of its gallery belong to no image."""

    made = _Orphans


class LeavesTraining(Retrieval):
    """Leaves the network in training mode."""

    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        found = super().evaluate(subject, split)
        subject.network.train()
        return found


class NotANumber(Retrieval):
    """Has a figure that is none."""

    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        found = super().evaluate(subject, split)
        return replace(found, metrics={**found.metrics, "extra": float("nan")})


class WrongSamples(Retrieval):
    """Its samples are of something else."""

    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        found = super().evaluate(subject, split)
        return replace(found, samples={"r_mean": [-1.0] * len(found.sampled)})


class TensorsAsItems(Retrieval):
    """Its items cannot be written down."""

    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        found = super().evaluate(subject, split)
        return replace(found, items={"ranks": [torch.zeros(2)]})


class ChanceFigures(Retrieval):
    """Examines by chance."""

    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        found = super().evaluate(subject, split)
        return replace(found, metrics={**found.metrics, "luck": float(torch.rand(()))})


SCHEDULES = {
    CountsCalls: "is-a-function-of-progress",
    EndsInNothing: "is-a-finite-float-throughout",
    ThrowsDice: "draws-no-random-numbers",
}
OPTIMIZERS = {
    MovesFrozenWeights: "moves-every-weight-once",
    KeepsItsRate: "sets-the-rate-it-says",
    Climbs: "lowers-a-loss",
    CountsSteps: "resumes-from-its-state",
    WeighsTogether: "says-rightly-that-it-moves-weights-singly",
}
DATASETS = {
    UnpicklableItems: "splits-and-items-travel",
    GlobalChance: "draws-from-the-generator-given",
    InOrderOnly: "items-depend-on-index-and-generator-alone",
    FloatingPixels: "items-are-as-declared",
    RaggedFields: "items-make-a-batch",
    SameFingerprint: "fingerprints-tell-data-apart",
    TextsOfNobody: "gallery-has-texts-for-its-images",
    ReadOnce: "captions-can-be-read-again",
}
EVALUATORS = {
    LeavesTraining: "leaves-the-network-as-it-was",
    NotANumber: "figures-are-finite-numbers",
    WrongSamples: "samples-explain-the-metrics",
    TensorsAsItems: "items-can-be-written-down",
    ChanceFigures: "same-network-same-figures",
}
