"""A Faster R-CNN as small as drawn scenes allow: half a million weights, a picture in 2 ms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors
import torch
from albefkit.data.scenes.words import COLOURS, RADII, SHAPES
from albefkit.registry.errors import DataError, Problem
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.ops import Conv2dNormActivation, MultiScaleRoIAlign

from albefkit_detector.files import written_whole
from albefkit_detector.regions import Detector, Keep

SIDE = 64
"""Pictures are brought to this size, in pixels."""

WIDTH = 128
"""F, the size of a region's features."""

CLASSES = tuple(f"{colour} {shape}" for shape in SHAPES for colour in COLOURS)
"""What there is in scenes, 112 kinds of it."""

KEEP = Keep(most=8, least=1, score=0.2)
"""Up to six objects in a scene."""

_CHANNELS = (24, 48, 96)
_POOLED = 5
_FORMAT = "albefkit-detector scenes 1"


class Backbone(nn.Sequential):
    """Convolutions from pixels to a map of stride 4."""

    out_channels = _CHANNELS[-1]
    """Of the map; torchvision asks for it."""

    def __init__(self) -> None:
        first, second, third = _CHANNELS
        sizes = ((3, first, 2), (first, first, 1), (first, second, 2), (second, second, 1))
        super().__init__(
            *(
                Conv2dNormActivation(before, after, 3, stride)
                for before, after, stride in (*sizes, (second, third, 1), (third, third, 1))
            )
        )


class ThingPredictor(nn.Module):
    """Is there something in a region, of what shape and of what colour, and where exactly?

    A class is a colour of a shape, and its probability the product of both: UNITER's detector
    names attributes too, because captions do, and features that have to tell colours hold them.
    With a judge for each of 112 classes, each would have to learn by itself what is red.

    Args:
        width: size of a region's features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.nothing = nn.Linear(width, 1)
        self.shape = nn.Linear(width, len(SHAPES))
        self.colour = nn.Linear(width, len(COLOURS))
        self.box = nn.Linear(width, 4)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `(P, 1 + C)`, nothing first, and offsets of boxes `(P, 4 (1 + C))`, the same for
        all classes.
        """
        nothing = self.nothing(features)
        shape = self.shape(features).log_softmax(1)[:, :, None]
        colour = self.colour(features).log_softmax(1)[:, None, :]
        thing = F.logsigmoid(-nothing) + (shape + colour).flatten(1)
        logits = torch.cat([F.logsigmoid(nothing), thing], dim=1)
        return logits, self.box(features).repeat(1, logits.shape[1])


def make_network() -> FasterRCNN:
    """The network with random weights."""
    anchors = tuple(round(2 * float(radius) * SIDE) for radius in RADII)
    return FasterRCNN(
        Backbone(),
        min_size=SIDE,
        max_size=SIDE,
        rpn_anchor_generator=AnchorGenerator((anchors,), ((1.0,),)),
        rpn_pre_nms_top_n_train=200,
        rpn_pre_nms_top_n_test=100,
        rpn_post_nms_top_n_train=64,
        rpn_post_nms_top_n_test=32,
        rpn_batch_size_per_image=64,
        box_roi_pool=MultiScaleRoIAlign(["0"], output_size=_POOLED, sampling_ratio=2),
        box_head=TwoMLPHead(Backbone.out_channels * _POOLED**2, WIDTH),
        box_predictor=ThingPredictor(WIDTH),
        box_batch_size_per_image=32,
        box_positive_fraction=0.5,
    )


def as_detector(network: FasterRCNN, name: str) -> Detector:
    """A trained network, ready to be asked."""
    return Detector(network.eval(), name, CLASSES, WIDTH, KEEP)


def save(network: FasterRCNN, file: Path, **about: str) -> None:
    """Write weights, and what there is to say about them, into a file that appears whole."""
    with written_whole(file) as beside:
        save_file(network.state_dict(), beside, metadata={"format": _FORMAT, **about})


def load(file: Path) -> Detector:
    """A detector from its file.

    Raises:
        DataError: there is no such file, or it holds something else.
    """
    try:
        with safetensors.safe_open(file, "pt") as opened:
            about: dict[str, Any] = opened.metadata() or {}
        if about.get("format") != _FORMAT:
            raise DataError(Problem("", str(file), "is not of a detector that train-detector made"))
        network = make_network()
        network.load_state_dict(load_file(file))
    except (OSError, RuntimeError, SafetensorError) as error:
        message = f"this detector cannot be read: {str(error).splitlines()[0]}"
        raise DataError(Problem("", str(file), message)) from error
    return as_detector(network, about["name"])
