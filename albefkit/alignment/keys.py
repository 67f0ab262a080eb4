"""Keys: the candidates that a batch's features are compared with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from albefkit.registry import Registrable

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step


@dataclass(frozen=True, slots=True)
class Candidates:
    """K images and K texts to choose from; the first B are the batch's own, in order.

    Args:
        image: `(K, E)` unit vectors.
        text: `(K, E)` unit vectors.
        image_id: `(K,)` int64.
        text_id: `(K,)` int64.
        valid: `(K,)` bool, false where a place is still empty; None: all valid.
        count: 0-dim float, how many are valid.
    """

    image: Tensor
    text: Tensor
    image_id: Tensor
    text_id: Tensor
    valid: Tensor | None
    count: Tensor


class Keys(nn.Module, Registrable, ABC, kind="keys"):
    """Where candidates come from."""

    needs_teacher: ClassVar[bool] = False
    """Whether candidates are the teacher's features."""

    @abstractmethod
    def candidates(self, step: Step, who: ForwardPass) -> Candidates:
        """What `who` chooses from in this step."""

    def remember(self, step: Step) -> None:
        """Keep what later steps will choose from; called last in a step."""
