"""The contract of image encoders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import nn

from albefkit.layers.load_report import LoadReport
from albefkit.layers.receptive import even_middles
from albefkit.layers.recomputing import keep_activations
from albefkit.registry import Registrable
from albefkit.tensors import Encoded

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class VisionEncoder(nn.Module, Registrable, ABC, kind="vision"):
    """Reads images into tokens.

    `forward` takes the fields of a batch named in `reads`, in that order, and gives `Encoded`:
    tokens `(R, N, D)`, mask `(R, N)` or None, pooled `(R, D)`.
    """

    reads: ClassVar[tuple[str, ...]] = ("images",)
    """Fields of a batch that `forward` takes; "images" is `(R, 3, H, W)`, normalised."""

    width: int
    """D, the size of a token."""

    image_size: int
    """Side of the square images this encoder takes, in pixels."""

    grid: tuple[int, int] | None = None
    """Rows and columns of the tokens that lie on the image; None where they do not."""

    prefix_tokens: int = 0
    """Tokens before those of the grid ([CLS], registers)."""

    mean: tuple[float, float, float] = CLIP_MEAN
    """What the data pipeline subtracts from pixels in 0..1, per channel."""

    std: tuple[float, float, float] = CLIP_STD
    """What the data pipeline then divides by, per channel."""

    load_report: LoadReport | None = None
    """What became of pretrained weights; None where there can be none."""

    @property
    def grid_middles(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Where on the image the rows and columns of the grid look, in shares of its sides: the
        middles of equal cells unless an encoder knows better.
        """
        rows, columns = self.grid or (0, 0)
        return even_middles(rows), even_middles(columns)

    def checkpoint_activations(self) -> None:
        """From now on keep little on the way forward and compute it again on the way back.

        Whoever cannot says so in a warning, and trains as before.
        """
        keep_activations(self, "model.vision")

    @abstractmethod
    def forward(self, *fields: object) -> Encoded:
        """Encode R images."""
