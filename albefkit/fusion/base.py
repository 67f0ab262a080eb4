"""The contract of fusion encoders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from albefkit.layers.load_report import LoadReport
from albefkit.layers.recomputing import keep_activations
from albefkit.registry import Registrable
from albefkit.tensors import Encoded, Fused


class Fusion(nn.Module, Registrable, ABC, kind="fusion"):
    """Lets the words of each pair look at its image.

    A constructor asks for its neighbours `vision: VisionEncoder` and `text: TextEncoder` left of
    `*`. Pairs never influence one another: many objectives share one call.
    """

    width: int
    """D, the size of a fused token."""

    images: int = 1
    """n, how many images each text meets."""

    load_report: LoadReport | None = None
    """What became of pretrained weights; None where there can be none."""

    @property
    def pooled_width(self) -> int:
        """Size of the summary of a pair; that of a token where a fusion does not say otherwise."""
        return self.width

    def inherit(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """What to start from, given the tensors of another network's fusion, by name in it.

        Returns:
            Tensors by name in this fusion; unknown names are reported and left.
        """
        return tensors

    def checkpoint_activations(self) -> None:
        """From now on keep little on the way forward and compute it again on the way back.

        Whoever cannot says so in a warning, and trains as before.
        """
        keep_activations(self, "model.fusion")

    @abstractmethod
    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        """Fuse P pairs, given as rows of the two tables.

        Args:
            image: the image table.
            text: the text table.
            image_index: `(P,)` int64, the row of each pair's image; `(P, n)` with several images.
            text_index: `(P,)` int64, the row of each pair's text.
        """
