"""A step small enough to train in a test, with everything a real one has to save."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from albefkit.data.base import SplitName
from albefkit.distill.cosine import Cosine
from albefkit.distributed import World
from albefkit.engine.adamw import AdamW
from albefkit.engine.checkpoint import Checkpoints
from albefkit.engine.precision import Precision
from albefkit.engine.pretrainer import StepReport
from albefkit.engine.records import Journal, Listener, Plan, Record
from albefkit.engine.trainer import Trainer
from albefkit.evaluation.base import Result
from albefkit.progress import Progress
from albefkit.recipe.grammar import TrainSection
from albefkit.seeding import stream, torch_generator
from albefkit.tensors import Batch, TextView

HOST = torch.device("cpu")


class ToyPretrainer(nn.Module):
    """Learns to sum pixels, with dropout, a teacher and a queue."""

    def __init__(self, breaks_at: int | None = None) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.student = nn.Sequential(nn.Linear(12, 8), nn.Dropout(0.5), nn.Linear(8, 1))
            self.teacher = nn.Linear(12, 8).requires_grad_(False)
        self.register_buffer("queue", torch.zeros(5))
        self.breaks_at = breaks_at
        self.began: list[int] = []
        self.saw: list[int] = []

    def begin_step(self, progress: Progress) -> None:
        self.began.append(progress.step)
        with torch.no_grad():
            for own, new in zip(
                self.teacher.parameters(), self.student[0].parameters(), strict=True
            ):
                own.lerp_(new, 0.1)

    def forward(self, batch: Batch, progress: Progress) -> StepReport:
        torch.manual_seed(stream(progress.seed, progress.step, progress.micro_step))
        pixels = batch.images.flatten(1)
        self.saw.append(int(batch.image_id[0]))
        loss = (self.student(pixels)[:, 0] - pixels.sum(1)).square().mean()
        if progress.step == self.breaks_at:
            loss = loss * torch.nan
        self.queue.copy_(torch.cat([self.queue[1:], self.teacher(pixels).mean()[None]]))
        return StepReport(
            loss=loss,
            losses={"sum": loss.detach()},
            floors={"sum": 4.0},
            bounds={"sum": 4.0 - loss.detach()},
            metrics={"temperature": torch.tensor(0.07)},
        )


class ToySource:
    """Batches as a function of the cursor."""

    steps_per_epoch = 4
    skipped = 0

    def __init__(self) -> None:
        self.closed = 0

    def batches(self, cursor: int) -> Iterator[Batch]:
        try:
            while True:
                images = torch.randn(3, 3, 2, 2, generator=torch_generator("toy", cursor))
                number = torch.full((3,), cursor)
                nothing = TextView(torch.zeros(3, 0, dtype=torch.int64), torch.zeros(3, 0).bool())
                yield Batch(images, nothing, number, number)
                cursor += 1
        finally:
            self.closed += 1

    def describe(self, cursor: int) -> dict[str, Any]:
        return {"cursor": cursor, "indices": [3 * cursor + row for row in range(3)]}


class Ears(Listener):
    """Remembers everything it is told."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.records: list[Record] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.results: list[tuple[str, int, Result]] = []
        self.steps: list[int] = []
        self.ended = 0

    def begin(self, plan: Plan) -> None:
        self.plans.append(plan)

    def step(self, done: int) -> None:
        self.steps.append(done)

    def record(self, record: Record) -> None:
        self.records.append(record)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def result(self, name: str, step: int, result: Result) -> None:
        self.results.append((name, step, result))

    def end(self) -> None:
        self.ended += 1


def toy_trainer(
    folder=None,
    *,
    pretrainer=None,
    source=None,
    scores=(),
    world: World | None = None,
    precision="fp32",
    **settings,
) -> tuple[Trainer, Ears]:
    """A trainer of a toy, and somebody who listens to it."""
    settings = {"epochs": 3, "batch_size": 3, "seed": 1, "log_every": 2} | settings
    section = TrainSection(**settings)
    ears, left = Ears(), list(scores)

    def examine(split: SplitName | None) -> dict[str, Result]:
        score = left.pop(0)
        return {"toy": Result(split or "test", {"figure": score}, score)}

    trainer = Trainer(
        pretrainer=pretrainer or ToyPretrainer(),  # type: ignore[arg-type]
        recipe=AdamW(lr=Cosine(peak=0.05)),
        source=source or ToySource(),
        settings=section,
        precision=Precision(precision, HOST),
        world=world or World(),
        journal=Journal([ears]),
        checkpoints=Checkpoints(folder, section.keep_checkpoints) if folder else None,
        examine=examine,
        meta={"precision": precision},
    )
    return trainer, ears
