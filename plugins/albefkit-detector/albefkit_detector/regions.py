"""A picture in, regions out: what a Faster R-CNN saw where, in numbers to be learnt from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN
from torchvision.ops import clip_boxes_to_image, nms


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a picture: n regions, the surest first.

    Args:
        features: `(n, F)`, what the box head saw in each region.
        boxes: `(n, 4)` left, top, right, bottom, as shares of the picture's sides.
        classes: `(n, C)`, how probable each class is, given that there is something; rows sum to 1.
    """

    features: Tensor
    boxes: Tensor
    classes: Tensor


@dataclass(frozen=True, slots=True)
class Keep:
    """Which regions are kept.

    Args:
        most: so many at most.
        least: so many, however unsure, where there are.
        score: how probable it has to be that there is something.
        overlap: two regions of a larger intersection over union are one.
    """

    most: int
    least: int
    score: float
    overlap: float = 0.5


@dataclass(frozen=True)
class Detector:
    """A Faster R-CNN that is asked for what its box head saw, not for boxes alone.

    As UNITER (arXiv 1909.11740, section 3.1) asks the detector of Anderson et al. (arXiv
    1707.07998), except that regions are told apart whatever their class.

    Args:
        network: of torchvision, in evaluation mode.
        name: says in caches whose regions they are.
        classes: C names.
        width: F, the size of a region's features.
        keep: which regions are kept.
        batch_size: pictures looked at together.
    """

    network: FasterRCNN
    name: str
    classes: tuple[str, ...]
    width: int
    keep: Keep
    batch_size: int = 16

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @torch.no_grad()
    def look(self, pictures: Sequence[np.ndarray]) -> list[Found]:
        """Find the regions of pictures `(H, W, 3)` uint8 RGB, which may differ in size."""
        seen, _ = self.network.transform(as_images(pictures, self.device))
        maps = self.network.backbone(seen.tensors)
        maps = OrderedDict([("0", maps)]) if isinstance(maps, Tensor) else maps
        proposals, _ = self.network.rpn(seen, maps)
        heads: Any = self.network.roi_heads
        features = heads.box_head(heads.box_roi_pool(maps, proposals, seen.image_sizes))
        logits, offsets = heads.box_predictor(features)
        boxes = heads.box_coder.decode(offsets, proposals)
        counts = [len(each) for each in proposals]
        columns = (features.split(counts), logits.split(counts), boxes.split(counts))
        return [
            self._kept(features, logits, boxes, size)
            for features, logits, boxes, size in zip(*columns, seen.image_sizes, strict=True)
        ]

    def _kept(
        self, features: Tensor, logits: Tensor, boxes: Tensor, size: tuple[int, int]
    ) -> Found:
        """Of P proposals, `(P, F)`, `(P, 1 + C)` and `(P, 1 + C, 4)`, those worth keeping."""
        probable = logits.softmax(1)
        score, classes = 1 - probable[:, 0], probable[:, 1:]
        best = 1 + classes.argmax(1)
        placed = clip_boxes_to_image(boxes[torch.arange(len(best)), best], size)
        order = nms(placed, score, self.keep.overlap)[: self.keep.most]
        sure = int((score[order] >= self.keep.score).sum())
        order = order[: max(sure, self.keep.least)]
        height, width = size
        sides = placed.new_tensor([width, height, width, height])
        return Found(
            features[order],
            placed[order] / sides,
            classes[order] / classes[order].sum(1, keepdim=True),
        )


def as_images(pictures: Sequence[np.ndarray], device: torch.device) -> list[Tensor]:
    """Pictures `(H, W, 3)` uint8 as torchvision's detectors take them: `(3, H, W)` in 0..1."""
    return [torch.tensor(each).to(device).permute(2, 0, 1).float() / 255 for each in pictures]
