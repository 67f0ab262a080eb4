"""The small detector learns from drawn scenes, whose true boxes are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from albefkit.data.scenes.drawing import draw
from albefkit.data.scenes.words import COLOURS, MAX_OBJECTS, SHAPES
from albefkit.data.scenes.world import GENERATOR_VERSION, SceneObject, World, make_world
from albefkit.seeding import stream
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torchvision.models.detection import FasterRCNN
from torchvision.ops import box_iou

from albefkit_detector.regions import Detector, as_images
from albefkit_detector.scenes_detector import SIDE, make_network

Progress = Callable[[str, int, int], None]
"""Told now and then what is being done, how many are done, and of how many."""

STEPS = 600
"""Enough to find and name practically everything."""

BATCH = 16
PEAK = 2e-3
WARMUP = 0.1
LONGEST = 5.0
"""Length beyond which a gradient is cut: the first ones of the box head are wild."""

IOU = 0.5
"""Intersection over union from which on a region meets an object."""


def name_of(steps: int = STEPS, seed: int = 0) -> str:
    """What the detector of `train` is called in caches: a function of what it learns from."""
    return f"scenes-v{GENERATOR_VERSION}-{steps}-{seed}"


def train(
    steps: int = STEPS,
    seed: int = 0,
    *,
    device: torch.device | None = None,
    progress: Progress = lambda what, done, total: None,
) -> FasterRCNN:
    """Train a small detector on scenes of its own, that no dataset of a recipe draws.

    Args:
        steps: of 16 scenes; none is seen twice.
        seed: of scenes, weights and what is left to chance; random numbers elsewhere stay as they
            are.
        device: where to compute; None: the processor.
        progress: is told how far it is.
    """
    where = device or torch.device("cpu")
    world = make_world(seed, "detector", steps * BATCH, (1, MAX_OBJECTS))
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(stream(seed, "detector"))
        network = make_network().to(where).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, PEAK, total_steps=steps, pct_start=WARMUP
        )
        for step in range(steps):
            pictures, targets = lesson(world, step * BATCH, (step + 1) * BATCH)
            losses: dict[str, Tensor] = network(
                as_images(pictures, where),
                [{name: value.to(where) for name, value in each.items()} for each in targets],
            )
            optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()
            clip_grad_norm_(network.parameters(), LONGEST)
            optimizer.step()
            schedule.step()
            progress("training a small detector on drawn scenes", step + 1, steps)
    return network.eval()


def lesson(world: World, start: int, stop: int) -> tuple[list[np.ndarray], list[dict[str, Tensor]]]:
    """Scenes `start` to `stop` as pictures, and what is in them as torchvision wants it."""
    pictures = draw(world, start, stop, SIDE)
    return list(pictures), [_target(world.objects(index)) for index in range(start, stop)]


def _target(objects: Sequence[SceneObject]) -> dict[str, Tensor]:
    labels = [
        1 + SHAPES.index(one.shape) * len(COLOURS) + COLOURS.index(one.colour) for one in objects
    ]
    boxes = SIDE * torch.tensor([one.box for one in objects])
    return {"boxes": boxes, "labels": torch.tensor(labels)}


@dataclass(frozen=True)
class Skill:
    """How good a detector is on scenes that it has not seen, in percent.

    Args:
        recall: share of the objects that a region meets, with an IoU of at least 0.5.
        shape: share of these whose region says the right shape.
        colour: likewise the colour.
        regions: regions kept per scene, a number.
        objects: objects per scene, a number.
    """

    recall: float
    shape: float
    colour: float
    regions: float
    objects: float


def examine(detector: Detector, scenes: int = 500, seed: int = 0) -> Skill:
    """Look for the objects of held-out scenes."""
    world = make_world(seed, "detector-held-out", scenes, (1, MAX_OBJECTS))
    counts, colours = np.zeros(5), len(COLOURS)
    for start in range(0, scenes, BATCH):
        pictures, targets = lesson(world, start, min(scenes, start + BATCH))
        for found, target in zip(detector.look(pictures), targets, strict=True):
            overlap, region = box_iou(target["boxes"] / SIDE, found.boxes.cpu()).max(1)
            met = overlap >= IOU
            said = found.classes.cpu().argmax(1)[region[met]]
            true = target["labels"][met] - 1
            shapes = (said // colours == true // colours).sum()
            right = (said % colours == true % colours).sum()
            counts += [len(met), int(met.sum()), int(shapes), int(right), len(found.boxes)]
    objects, met, shape, colour, regions = counts.tolist()
    seen = max(1, met)
    return Skill(
        recall=100 * met / objects,
        shape=100 * shape / seen,
        colour=100 * colour / seen,
        regions=regions / scenes,
        objects=objects / scenes,
    )
