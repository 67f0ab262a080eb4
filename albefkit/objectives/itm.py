"""Image-text matching."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from albefkit.objectives.base import Objective
from albefkit.objectives.negatives import Negatives
from albefkit.predictions import Choice
from albefkit.registry import Ablation, default
from albefkit.tensors import Pairs

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network

CLASS_PRIOR_LOSS = math.log(3) - 2 / 3 * math.log(2)
"""Entropy of one match against two mismatches: 0.6365 nats."""


class ITM(Objective):
    """Do this image and this text belong together?

    Paper section 3.2, eq. 4; spec 2.1, items 9 to 11: each matched pair, each text with a wrong
    image, each image with a wrong text. Class 1 means match.

    Args:
        negatives: how the wrong partners are chosen.
    """

    reads = frozenset({"fused"})
    ablations: ClassVar[Mapping[str, Ablation]] = {
        "hard-negatives": Ablation(
            {"negatives": "random"}, "wrong partners are drawn uniformly", without="similarity"
        )
    }

    def __init__(self, name: str, *, negatives: Negatives = default("hard")) -> None:
        super().__init__(name)
        self.negatives = negatives

    @property
    def needs(self) -> frozenset[str]:
        """Fused pairs, and what choosing the wrong partners takes."""
        return self.reads | self.negatives.needs

    @property
    def relies_on(self) -> Mapping[str, str]:
        """What the choice of negatives relies on."""
        return self.negatives.relies_on

    def head(self, network: Network) -> nn.Module:
        """A linear judge of pairs, `(P, D) -> (P, 2)`."""
        assert network.fusion is not None
        return nn.Linear(network.fusion.pooled_width, 2)

    def pairs(self, step: Step) -> Pairs:
        """3B pairs: matched; own text, wrong image; wrong text, own image."""
        own = torch.arange(len(step.batch), device=step.device)
        wrong = self.negatives.draw(step, step.generator(self.name))
        weight = torch.cat(
            [torch.ones_like(wrong.image_found), wrong.image_found, wrong.text_found]
        )
        return Pairs(
            image=torch.cat([own, wrong.image, own]),
            text=torch.cat([own, own, wrong.text]),
            weight=weight,
        )

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        """Rows as in `pairs`."""
        logits = who.network.heads[self.name](who.fused(self.name).pooled)
        answers = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
        answers[: len(step.batch)] = 1
        return Choice(logits, answers, CLASS_PRIOR_LOSS, step.pairs[self.name].weight)
