"""How long a picture takes on its way into a network: a detector beside a vision transformer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import timm
import torch
from albefkit.layers.weights import weights_from_elsewhere
from albefkit.quantities import amount
from albefkit.recipe.load import Recipe
from albefkit.registry.errors import ComponentError, Problem
from albefkit.seeding import numpy_rng
from albefkit.vision.base import VisionEncoder
from rich.table import Table
from torch import nn
from torchvision.models.detection import fasterrcnn_resnet50_fpn

from albefkit_detector.caching import get_detector, suitable
from albefkit_detector.coco_detector import KEEP, NAME, WIDTH
from albefkit_detector.dataset import Regions
from albefkit_detector.encoder import RegionEncoder
from albefkit_detector.regions import Detector
from albefkit_detector.training import Progress

WARM = 3
"""Pictures looked at before the clock counts."""

FULL_VIT, FULL_VIT_SIDE = "deit_base_patch16_224", 384
"""ALBEF's image encoder, at the size that it is fine-tuned with."""

FULL_PICTURE = (800, 1066)
"""Height and width of a photograph whose shorter side is what torchvision's detector asks for."""

FULL_COUNT = 5
"""Pictures of that size: each takes seconds on a processor."""


@dataclass(frozen=True)
class FrontEnd:
    """The way of one picture into a network.

    Args:
        name: for people.
        pictures: what it is timed with, `(H, W, 3)` uint8 each.
        parts: whose weights it takes.
        look: looks at one picture.
    """

    name: str
    pictures: Sequence[np.ndarray]
    parts: tuple[nn.Module, ...]
    look: Callable[[np.ndarray], object]

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return sum(each.numel() for part in self.parts for each in part.parameters())

    @torch.no_grad()
    def milliseconds(self) -> float:
        """The median time for one picture, others having gone before."""
        spent = []
        for picture in [*[self.pictures[0]] * WARM, *self.pictures]:
            start = time.perf_counter()
            self.look(picture)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            spent.append(time.perf_counter() - start)
        return 1000 * median(spent[WARM:])


def of_recipe(recipe: Recipe, count: int, progress: Progress) -> FrontEnd:
    """What a recipe does with a picture before fusion.

    Args:
        recipe: its data are `regions` where its encoder reads regions.
        count: so many pictures.
        progress: is told how far the training of a detector is.

    Raises:
        ComponentError: it has no image encoder, or one that reads something else.
    """
    spec = recipe.settings.model.vision
    if spec is None:
        raise ComponentError(Problem(str(recipe.source), "model.vision", "is missing"))
    with weights_from_elsewhere():  # time does not depend on weights
        encoder: VisionEncoder = spec.build({}).eval().to(_device())
    dataset = recipe.settings.data.build({})
    if isinstance(encoder, RegionEncoder) and isinstance(dataset, Regions):
        detector = get_detector(suitable(dataset.of), progress)
        split, rng = dataset.of.split("train"), numpy_rng("time")
        pictures = [split.item(index, rng).image for index in range(min(count, len(split)))]
        return of_detector(recipe.name, detector, encoder, pictures)
    if encoder.reads != ("images",):
        reads = ", ".join(encoder.reads)
        message = f"reads {reads}, and nobody here knows where these come from"
        raise ComponentError(Problem(str(recipe.source), "model.vision", message))
    return _of_encoder(recipe.name, encoder, encoder.image_size, count)


def of_detector(
    name: str, detector: Detector, encoder: RegionEncoder, pictures: Sequence[np.ndarray]
) -> FrontEnd:
    """A detector, and the encoder that makes tokens of its regions."""

    def look(image: np.ndarray) -> object:
        (found,) = detector.look([image])
        mask = torch.ones(1, len(found.boxes), dtype=torch.bool, device=found.boxes.device)
        return encoder(found.features[None], found.boxes[None], mask)

    return FrontEnd(name, pictures, (detector.network, encoder), look)


def full_size() -> tuple[FrontEnd, FrontEnd]:
    """Torchvision's detector of photographs and ALBEF's image encoder, both with random weights.

    Time does not depend on weights, but a detector's does on how many proposals its box head looks
    at, and random weights propose anything. Here they are as many as it may make, 1000, because
    none is left out for overlapping another; trained, it may make fewer.
    """
    network = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, rpn_nms_thresh=1.0)
    network.eval().to(_device())
    detector = Detector(network, NAME, (), WIDTH, KEEP)
    encoder = RegionEncoder(features=WIDTH).eval().to(_device())
    vit = timm.create_model(FULL_VIT, img_size=FULL_VIT_SIDE, num_classes=0).eval().to(_device())
    return (
        of_detector("fasterrcnn_resnet50_fpn", detector, encoder, noise(FULL_PICTURE, FULL_COUNT)),
        _of_encoder(FULL_VIT, vit, FULL_VIT_SIDE, FULL_COUNT),
    )


def noise(size: tuple[int, int], count: int) -> list[np.ndarray]:
    """Pictures of nothing, for what does not depend on what is in them."""
    rng = numpy_rng("noise")
    return [rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(count)]


def table(front_ends: Sequence[FrontEnd]) -> Table:
    """Time them, and say how long each takes."""
    where = "a GPU" if torch.cuda.is_available() else f"{torch.get_num_threads()} thread(s)"
    title = f"from a picture to tokens, one at a time, on {where}"
    found = Table(title=title, title_justify="left")
    for heading in ("front end", "picture", "weights", "ms (median)", "pictures"):
        found.add_column(heading, justify="left" if heading == "front end" else "right")
    for each in front_ends:
        height, width = each.pictures[0].shape[:2]
        cells = (f"{width} x {height}", amount(each.weights), f"{each.milliseconds():.2f}")
        found.add_row(each.name, *cells, str(len(each.pictures)))
    return found


def _of_encoder(name: str, encoder: nn.Module, side: int, count: int) -> FrontEnd:
    def look(image: np.ndarray) -> object:
        pixels = torch.tensor(image).to(_device()).permute(2, 0, 1)[None].float() / 255
        return encoder(pixels)

    return FrontEnd(name, noise((side, side), count), (encoder,), look)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
