"""An objective is a question put to a network about a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from albefkit.predictions import Prediction
from albefkit.registry import Registrable
from albefkit.tensors import ImageView, Pairs, TextView

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network


class Objective(nn.Module, Registrable, kind="objective"):
    """A question, and what is needed to put it.

    A constructor may ask for `dataset: Dataset` left of `*`, to know what can be answered.

    In each step the engine calls, for all objectives together: `text_view` and `image_view`, then
    `pairs`, then `predict` with the student, then `temper`. Whatever an objective needs is
    declared, so that the assembler builds only parts that somebody uses.

    Args:
        name: the objective's key in the recipe.
    """

    former_names: ClassVar[Mapping[str, str]] = {"view": "text_view"}

    reads: ClassVar[frozenset[str]] = frozenset()
    """What `predict` reads: `features` (shared space), `fused` (pairs), or both."""

    trains: ClassVar[frozenset[str]] = frozenset()
    """What learning the answer makes meaningful for others: `similarity`."""

    distillable: ClassVar[bool] = False
    """Whether `mod` asks the teacher this question too, unless told otherwise."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @property
    def needs(self) -> frozenset[str]:
        """Parts of the student it uses: what it reads, and what choosing pairs takes."""
        return self.reads

    @property
    def relies_on(self) -> Mapping[str, str]:
        """What another objective must train -> what to do where none does."""
        return {}

    def asks(self, objectives: Mapping[str, Objective]) -> frozenset[str]:
        """Names of the objectives whose questions this one puts to the teacher."""
        return frozenset()

    def head(self, network: Network) -> nn.Module | None:
        """The module that turns what was read into an answer; it joins `network.heads`."""
        return None

    def inherit(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """What the head starts from, given the tensors of another network, by name in it.

        Returns:
            Tensors by name in the head; by default those of a head of the same name.
        """
        prefix = f"heads.{self.name}."
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }

    def checkpoint_activations(self, head: nn.Module) -> None:
        """Let the head compute again on the way back what it found; most heads find too little."""

    def text_view(self, step: Step) -> TextView | None:
        """Another way of showing the batch's texts, known to all by the objective's name."""
        return None

    def image_view(self, step: Step) -> ImageView | None:
        """Another way of showing the batch's images, known to all by the objective's name."""
        return None

    def pairs(self, step: Step) -> Pairs | None:
        """The (image, text) pairs to be fused for this objective; may read features."""
        return None

    def predict(self, step: Step, who: ForwardPass) -> Prediction | None:
        """The network's answer, with what the data say it should be. It changes nothing."""
        return None

    def temper(self, step: Step) -> Mapping[str, Prediction]:
        """Predictions of the step, by objective, that are to be replaced by tempered ones."""
        return {}


def own_pairs(step: Step) -> Pairs:
    """B pairs: every text with its own image or images."""
    rows = step.batch.image_rows
    return Pairs(image=rows, text=torch.arange(len(rows), device=rows.device))
