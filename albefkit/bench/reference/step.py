"""The released pre-training step, as yardstick and oracle (spec 2.1 and 9)."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from albefkit.assemble import Assembly
from albefkit.bench.reference.adamw import released_adamw
from albefkit.bench.reference.candidates import Features, same, source_of
from albefkit.bench.reference.contrast import Similarities, compare, contrast_loss
from albefkit.bench.reference.masked_words import hide_words, words_loss
from albefkit.bench.reference.matching import draw_partners, matching_loss
from albefkit.bench.reference.moving_average import MovingAverage
from albefkit.bench.reference.network import ReleasedNetwork, Seen
from albefkit.bench.reference.parts import parts_of
from albefkit.objectives.negatives import WrongPartners
from albefkit.progress import Progress
from albefkit.seeding import stream
from albefkit.tensors import Batch, TextView


class Reference:
    """A run's weights and settings, trained as the released code computes a step.

    Every pass by itself: fusion three times over 4B rows in all, the text encoder twice, negatives
    in a loop over the batch, the vocabulary at all positions, attention written out, teacher and
    optimizer weight by weight. No autocast, one process.

    Args:
        assembly: whose weights it begins with, of which it takes a copy, where they are.

    Raises:
        ComponentError: the recipe asks for what the released step does not do.
    """

    def __init__(self, assembly: Assembly) -> None:
        assembly = replace(assembly, pretrainer=copy.deepcopy(assembly.pretrainer).train())
        self._parts = parts = parts_of(assembly)
        self.pretrainer = assembly.pretrainer
        self.student = ReleasedNetwork(self.pretrainer.student)
        self.teacher = ReleasedNetwork(parts.teacher.network)
        self.candidates = source_of(parts.space.keys)
        self.optimizer = released_adamw(parts.optimizer, self.pretrainer)
        self._average = MovingAverage(self.pretrainer.student, parts.teacher.network)

    def step(
        self,
        batch: Batch,
        progress: Progress,
        hidden: TextView | None = None,
        partners: WrongPartners | None = None,
    ) -> dict[str, Tensor]:
        """One whole step; returns the losses by objective, detached.

        Args:
            batch: on the device, but for its texts.
            progress: where training stands.
            hidden: the texts with words hidden; None hides those that albefkit's own step hides.
            partners: the wrong partners; None draws them.
        """
        self.follow(progress)
        losses = self.forward(batch, progress, hidden, partners)
        self.backward(losses)
        self.update(progress)
        return {name: loss.detach() for name, loss in losses.items()}

    def follow(self, progress: Progress) -> None:
        """Clamp the temperature and let the teacher follow the student.

        The released code does so between the student's forward and the teacher's, where the same
        weights are read: it makes no difference.
        """
        self._parts.space.clamp()
        self._average.follow(self._parts.teacher.momentum(progress))

    def forward(
        self,
        batch: Batch,
        progress: Progress,
        hidden: TextView | None = None,
        partners: WrongPartners | None = None,
    ) -> dict[str, Tensor]:
        """Losses by objective, with their graph; moves the queue. Arguments as in `step`."""
        torch.manual_seed(stream(progress.seed, progress.rank, progress.step, progress.micro_step))
        parts, alpha = self._parts, self._parts.mod.alpha(progress)
        mask = batch.text.mask.to(batch.images.device)
        ids = batch.text.ids.to(batch.images.device)
        image, text = self.student.images(batch.images), self.student.texts(ids, mask)
        with torch.no_grad():
            image_m = self.teacher.images(batch.images)
            text_m = self.teacher.texts(ids, mask)
        contrast, similarities = self._contrast(batch, (image, text), (image_m, text_m), alpha)
        if partners is None:
            excluded = same(parts.hard.exclude, batch, batch.image_id[None], batch.text_id[None])
            partners = draw_partners(similarities, excluded)
        judge = self.pretrainer.student.heads[parts.itm.name]
        matching = matching_loss(self.student, judge, image.tokens, text.tokens, mask, partners)
        words = self._words(batch, progress, hidden, (image.tokens, image_m.tokens), alpha)
        return {parts.itc.name: contrast, parts.itm.name: matching, parts.mlm.name: words}

    def backward(self, losses: dict[str, Tensor]) -> None:
        """Gradients of the sum of the losses."""
        self.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()

    def update(self, progress: Progress) -> None:
        """Move the weights."""
        if self._parts.clip_norm is not None:
            nn.utils.clip_grad_norm_(
                self.pretrainer.parameters(), self._parts.clip_norm, foreach=False
            )
        self._parts.optimizer.prepare(self.optimizer, progress)
        self.optimizer.step()

    def _contrast(
        self, batch: Batch, student: tuple[Seen, Seen], teacher: tuple[Seen, Seen], alpha: float
    ) -> tuple[Tensor, Similarities]:
        own, advice = (Features(*(each.feature for each in who)) for who in (student, teacher))
        temperature = self._parts.space.temperature
        choice, choice_m = self.candidates.candidates(own, advice, batch)
        right = same(self._parts.itc.positives, batch, choice.image_id, choice.text_id)
        with torch.no_grad():
            similarities_m = compare(advice, choice_m, temperature)
        similarities = compare(own, choice, temperature)
        loss = contrast_loss(similarities, similarities_m, right, alpha)
        self.candidates.remember(advice, batch)
        return loss, similarities

    def _words(
        self,
        batch: Batch,
        progress: Progress,
        hidden: TextView | None,
        images: tuple[Tensor, Tensor],
        alpha: float,
    ) -> Tensor:
        mlm, text = self._parts.mlm, self.pretrainer.student.text
        assert text is not None
        if hidden is None:
            hidden = hide_words(batch.text, mlm, text.tokenizer, progress)
        assert hidden.labels is not None
        device = batch.images.device
        ids, mask, labels = (each.to(device) for each in (hidden.ids, hidden.mask, hidden.labels))
        with torch.no_grad():
            states = self.teacher.read_with_image(ids, mask, images[1])
            advice = self.teacher.words(states, mlm.name)
        states = self.student.read_with_image(ids, mask, images[0])
        return words_loss(self.student.words(states, mlm.name), advice, labels, alpha)
