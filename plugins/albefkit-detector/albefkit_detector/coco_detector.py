"""Torchvision's Faster R-CNN with the weights it ships, which know photographs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import torch
from albefkit.layers.reaching import unreachable
from albefkit.registry.errors import ComponentError, Problem
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights, fasterrcnn_resnet50_fpn

from albefkit_detector.regions import Detector, Keep

WEIGHTS = FasterRCNN_ResNet50_FPN_Weights.COCO_V1

NAME = "coco-resnet50-fpn-v1"

WIDTH = 1024
"""F, the size of a region's features."""

KEEP = Keep(most=36, least=10, score=0.2)
"""At least ten regions, of at least 0.2, as in the features that UNITER starts from; and at most
36, so that all pictures are of one size."""


def load() -> Detector:
    """The detector, its weights from torch's cache or the network.

    Raises:
        ComponentError: they are in neither.
    """
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(WEIGHTS.url).path).name
    if not file.is_file() and (reason := unreachable(WEIGHTS.url)):
        message = f"the detector of photographs is not in the cache, and {reason}"
        hint = f"Put {WEIGHTS.url} there, or work on drawn scenes, whose detector needs no weights."
        raise ComponentError(Problem("", str(file), message, hint))
    network = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    network.load_state_dict(WEIGHTS.get_state_dict(check_hash=True, weights_only=True))
    classes = tuple(WEIGHTS.meta["categories"][1:])
    return Detector(network.eval(), NAME, classes, WIDTH, KEEP, batch_size=2)
