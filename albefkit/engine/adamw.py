"""AdamW, with the released code's grouping of weights as options."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from albefkit.distill.schedules import Schedule
from albefkit.engine.optimizers import OptimizerRecipe
from albefkit.progress import Progress
from albefkit.registry import default

TABLE = re.compile(r"(^|_)(embed|embeddings?|tokens?|positions?)$")
"""How the owner of a table is called: `pos_embed`, `cls_token`, `word_embeddings`, ..."""

FUSED_DEVICES = frozenset({"cpu", "cuda", "mps", "xpu"})
"""Where torch steps all weights in one kernel."""


class AdamW(OptimizerRecipe):
    """AdamW with decoupled weight decay (spec 9).

    Biases and 1-d weights (normalisation) never decay; matrices always do.

    Args:
        lr: learning rate, a number or a schedule.
        weight_decay: share of lr by which a decaying weight shrinks per step, 0 or more.
        betas: decay of the running mean and of the running square, each 0 to below 1.
        eps: added to the root of the running square, more than 0.
        decay_temperature: decay scalar weights (the temperature) too, as the released code does.
        decay_tables: decay tables too, as the released code does: rows that are looked up or added
            rather than multiplied (word, position and type embeddings, class token).
    """

    moves_weights_singly = True

    def __init__(
        self,
        *,
        lr: Schedule = default(1e-4),
        weight_decay: float = 0.02,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        decay_temperature: bool = False,
        decay_tables: bool = False,
    ) -> None:
        if weight_decay < 0:
            raise ValueError(f"weight_decay is {weight_decay}, expected 0 or more")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are {betas}, expected two numbers from 0 to below 1")
        if eps <= 0:
            raise ValueError(f"eps is {eps}, expected more than 0")
        self.lr = lr
        self.weight_decay = weight_decay
        self.betas = betas
        self.eps = eps
        self.decay_temperature = decay_temperature
        self.decay_tables = decay_tables

    def build(self, named_parameters: Iterable[tuple[str, nn.Parameter]]) -> Optimizer:
        """Two groups: weights that do not decay, then weights that do."""
        trained = [(name, weight) for name, weight in named_parameters if weight.requires_grad]
        still = [(name, weight) for name, weight in trained if not self.decays(name, weight)]
        decaying = [(name, weight) for name, weight in trained if self.decays(name, weight)]
        groups = [
            {"params": still, "weight_decay": 0.0},
            {"params": decaying, "weight_decay": self.weight_decay},
        ]
        fused = all(
            weight.device.type in FUSED_DEVICES and weight.is_floating_point()
            for _, weight in trained
        )
        return torch.optim.AdamW(
            [group for group in groups if group["params"]],
            betas=self.betas,
            eps=self.eps,
            fused=fused,
        )

    def decays(self, name: str, weight: nn.Parameter) -> bool:
        """Whether weight decay applies to a weight."""
        if weight.ndim == 1 or name.endswith(".bias"):
            return False
        if weight.ndim == 0:
            return self.decay_temperature
        return self.decay_tables or not is_table(name)

    def caveats(self, progress: Progress) -> list[str]:
        """What the schedule has to say."""
        caveat = self.lr.caveat(progress)
        return [f"optimizer.lr: {caveat}"] if caveat else []


def is_table(name: str) -> bool:
    """Whether a weight, by its name, is looked up or added rather than multiplied."""
    *owners, own = name.split(".")
    owner = owners[-1] if own == "weight" and owners else own
    return TABLE.search(owner) is not None
