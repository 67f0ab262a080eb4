"""The momentum teacher of ALBEF."""

from __future__ import annotations

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from albefkit.distill.schedules import Schedule
from albefkit.distill.teacher import Teacher
from albefkit.network import Network
from albefkit.progress import Progress
from albefkit.registry import default


class Momentum(Teacher):
    """An exponential moving average of the student (paper section 3.3; spec 2.1, item 4).

    Args:
        momentum: share of the teacher's own weights that each update keeps, 0 to 1.
        dropout: keep the teacher's dropout on while the student trains, as the released code does.
    """

    def __init__(self, *, momentum: Schedule = default(0.995), dropout: bool = False) -> None:
        super().__init__(dropout=dropout)
        self.momentum = momentum

    @torch.no_grad()
    def update(self, student: Network, progress: Progress) -> None:
        """`teacher <- momentum * teacher + (1 - momentum) * student`, in place and all at once.

        Buffers (statistics of batch normalisation) are copied: averaging counts makes no sense.
        """
        weights = dict(student.named_parameters(remove_duplicate=False))
        own = dict(self.network.named_parameters())
        pull_towards = get_ema_multi_avg_fn(self.momentum(progress))
        pull_towards(list(own.values()), [weights[name] for name in own], progress.step)
        buffers = dict(student.named_buffers())
        for name, buffer in self.network.named_buffers():
            buffer.copy_(buffers[name])
