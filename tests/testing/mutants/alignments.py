"""Wrong keys and wrong negatives."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from albefkit.alignment.keys import Candidates
from albefkit.alignment.momentum_queue import MomentumQueue
from albefkit.engine.forward_pass import ForwardPass
from albefkit.engine.step import Step
from albefkit.objectives.hard_negatives import Hard
from albefkit.objectives.negatives import Occasion, WrongPartners, draw_rows
from albefkit.objectives.random_negatives import Random


class QueueOfGraphs(MomentumQueue):
    """Remembers features together with how they came about."""

    def remember(self, step: Step) -> None:
        news = step.student.image_features(), step.student.text_features()
        self.image_queue, self.text_queue = (
            torch.cat([rows, queue])[: self.size]
            for rows, queue in zip(news, (self.image_queue, self.text_queue), strict=True)
        )
        self.filled.fill_(self.size)


class QueueFirst(MomentumQueue):
    """Puts what it remembers before the batch's own."""

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        found = super().candidates(step, who)
        return Candidates(
            *(each.roll(len(step.batch), 0) for each in (found.image, found.text)),
            *(each.roll(len(step.batch), 0) for each in (found.image_id, found.text_id)),
            None if found.valid is None else found.valid.roll(len(step.batch), 0),
            found.count,
        )


class RemembersAtOnce(MomentumQueue):
    """Enqueues whenever somebody looks."""

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        self.remember(step)
        return super().candidates(step, who)


class ForgetsItsPlace(MomentumQueue):
    """Counts in Python how far the ring is filled."""

    def __init__(self, shared_width: int, *, size: int = 10) -> None:
        super().__init__(shared_width, size=size)
        self.place = 0

    def remember(self, step: Step) -> None:
        self.pointer.fill_(self.place)
        super().remember(step)
        self.place = (self.place + len(step.batch)) % self.size


class WritesIntoTheStep(MomentumQueue):
    """Marks what it gave away as used."""

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        self.given = super().candidates(step, who)
        return self.given

    def remember(self, step: Step) -> None:
        super().remember(step)
        if hasattr(self, "given"):
            self.given.image_id.fill_(-1)


class NeverRemembers(MomentumQueue):
    """Has a queue, and nothing ever comes into it."""

    def remember(self, step: Step) -> None:
        return


class DrawsKeys(MomentumQueue):
    """Throws a die when it is asked."""

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        torch.rand(())
        return super().candidates(step, who)


class CountsEmptyPlaces(MomentumQueue):
    """Says that all places hold something."""

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        found = super().candidates(step, who)
        return replace(found, count=found.count + 1)


class CountsOnTheHost(MomentumQueue):
    """Asks the device how full the queue is."""

    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        found = super().candidates(step, who)
        return found if int(self.filled) else replace(found, count=found.count)


class TakesItself(Random):
    """Nobody is excluded, not even a row's own partner."""

    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        even = torch.zeros(len(step.batch), len(step.batch), device=step.device)
        drawn = [draw_rows(even, generator) for _ in range(2)]
        found = drawn[0][1] * (len(step.batch) > 1)
        return WrongPartners(drawn[0][0], drawn[1][0], found, found)


class TakesTheSameImage(Random):
    """Excludes a row's own partner, whatever its option says."""

    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        return Random(exclude="pair").draw(step, generator)


class DrawsFromEverybody(Random):
    """Draws from torch's global generator."""

    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        other = torch.Generator().manual_seed(int(torch.randint(1 << 30, ())))
        return super().draw(step, other)


class FailsWithoutPartners(Hard):
    """Draws from normalised weights, as the released code does."""

    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        found = super().draw(step, generator)
        for weights in self.log_weights(step):
            torch.multinomial(weights.exp(), 1)
        return found


class AsksTheHost(Hard):
    """A loop over the batch that waits for every row."""

    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        found = super().draw(step, generator)
        return replace(found, image=torch.tensor([int(row) for row in found.image]))


class LearnsToDraw(Hard):
    """Its sampling weights carry a gradient."""

    def draw(self, step: Occasion, generator: torch.Generator) -> WrongPartners:
        found = super().draw(step, generator)
        similarity: Tensor = step.student.similarities().image_to_text
        return replace(found, image_found=found.image_found + 0 * similarity.sum(1))


KEYS = {
    QueueOfGraphs: "no-graph-is-kept",
    QueueFirst: "own-pairs-come-first",
    RemembersAtOnce: "choosing-changes-nothing",
    ForgetsItsPlace: "state-dict-holds-everything",
    WritesIntoTheStep: "remembering-comes-after",
    NeverRemembers: "remembering-comes-after",
    DrawsKeys: "draws-no-random-numbers",
    CountsEmptyPlaces: "shapes-are-as-declared",
    CountsOnTheHost: "waits-for-no-device",
}
NEGATIVES = {
    TakesItself: "nobody-is-their-own-negative",
    TakesTheSameImage: "excluded-rows-are-not-drawn",
    DrawsFromEverybody: "draws-from-the-generator-given",
    FailsWithoutPartners: "nothing-legal-is-nothing-found",
    AsksTheHost: "waits-for-no-device",
    LearnsToDraw: "partners-are-rows",
}
