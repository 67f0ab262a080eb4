"""The teacher's weights, one by one and each time in new memory (spec 2.1, item 4)."""

from __future__ import annotations

import torch

from albefkit.network import Network


class MovingAverage:
    """Pairs of a student's and its teacher's weights.

    Args:
        student: who is followed.
        teacher: who follows; has some of the student's parts.
    """

    def __init__(self, student: Network, teacher: Network) -> None:
        weights = dict(student.named_parameters(remove_duplicate=False))
        buffers = dict(student.named_buffers())
        self._weights = [(weights[name], own) for name, own in teacher.named_parameters()]
        self._buffers = [(buffers[name], own) for name, own in teacher.named_buffers()]

    @torch.no_grad()
    def follow(self, momentum: float) -> None:
        """`teacher <- momentum * teacher + (1 - momentum) * student`.

        Buffers, of which the released towers have none that move, are copied.
        """
        for theirs, own in self._weights:
            own.data = own.data * momentum + theirs.data * (1.0 - momentum)
        for theirs, own in self._buffers:
            own.copy_(theirs)
