"""What an assembly is fed with: batches to learn from, and questions to be examined by."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

from albefkit.assemble import Assembly
from albefkit.data.loader import TrainLoader, token_counts
from albefkit.data.randaugment import RandAugment
from albefkit.data.sampler import Buckets, Order
from albefkit.data.transforms import EvalTransform, TrainTransform
from albefkit.distributed import World
from albefkit.engine.precision import Precision
from albefkit.evaluation.base import Subject, say_nothing
from albefkit.registry.errors import AlbefkitWarning, ComponentError, Problem, RecipeError
from albefkit.tensors import Batch
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

LEAST_BATCH = 32
"""Rows encoded at a time when nothing is learned: without gradients there is room for more."""


class LoaderSource:
    """A loader whose batches can be described by their number.

    Args:
        loader: makes the batches.
    """

    def __init__(self, loader: TrainLoader) -> None:
        self.loader = loader

    @property
    def steps_per_epoch(self) -> int:
        """Batches in a pass over the training split."""
        return self.loader.steps_per_epoch

    @property
    def skipped(self) -> int:
        """Items that could not be read and were replaced, so far."""
        return self.loader.skipped

    def batches(self, cursor: int) -> Iterator[Batch]:
        """Batches without end, from number `cursor` since the start of training."""
        return self.loader.batches(cursor)

    def describe(self, cursor: int) -> dict[str, Any]:
        """The epoch of a batch and its items, as indices of the training split."""
        draw = self.loader.order.batch(cursor)
        return {"batch": cursor, "epoch": draw.epoch, "items": draw.indices.tolist()}


def training_order(assembly: Assembly, world: World | None = None) -> Order:
    """Which items make which batch, as the recipe says.

    Args:
        assembly: the parts.
        world: who this process is; alone unless told.

    Raises:
        DataError: there are fewer items than a batch needs.
    """
    settings, world = assembly.recipe.settings.train, world or World()
    length = len(assembly.dataset.split("train"))
    return Order(
        settings.seed, length, settings.batch_size, world.rank, world.size, _buckets(assembly)
    )


def _buckets(assembly: Assembly) -> Buckets | None:
    window = assembly.recipe.settings.train.length_buckets
    if window == 1:
        return None
    _, text = _readers(assembly)
    split = assembly.dataset.split("train")
    try:
        texts = split.item_texts()
    except ComponentError as error:
        message = f"train.length_buckets: nothing is sorted by length: {error}. 1 sorts nothing."
        warnings.warn(AlbefkitWarning(message), stacklevel=2)
        return None
    return Buckets(token_counts(texts, split, text.tokenizer, text.max_tokens), window)


def train_loader(
    assembly: Assembly, order: Order, workers: int | Literal["auto"] = 0
) -> TrainLoader:
    """Training batches as the recipe varies them and the network reads them.

    Args:
        assembly: the parts.
        order: which items make which batch.
        workers: processes that make batches ahead.

    Raises:
        RecipeError: the model has nothing to read images or texts with.
    """
    vision, text = _readers(assembly)
    augment = assembly.recipe.settings.augment
    randaugment = augment.randaugment
    transform = TrainTransform(
        vision.image_size,
        vision.mean,
        vision.std,
        crop_scale=assembly.dataset.crop_scale
        if augment.crop_scale == "auto"
        else augment.crop_scale,
        flip=augment.flip,
        randaugment=randaugment
        and RandAugment(randaugment.operations, randaugment.level, randaugment.overflow),
    )
    split = assembly.dataset.split("train")
    return TrainLoader(
        split, transform, text.tokenizer, order, workers=workers, max_tokens=text.max_tokens
    )


def subject(
    assembly: Assembly,
    precision: Precision,
    progress: Callable[[str, int, int], None] = say_nothing,
) -> Subject:
    """The student, ready to be examined.

    Args:
        assembly: the parts.
        precision: which numbers, where.
        progress: told how far it is.
    """
    vision, _ = _readers(assembly)
    return Subject(
        network=assembly.pretrainer.student,
        space=assembly.pretrainer.space,
        dataset=assembly.dataset,
        transform=EvalTransform(vision.image_size, vision.mean, vision.std),
        device=precision.device,
        autocast=precision.autocast,
        teacher=assembly.pretrainer.teacher.network,
        batch_size=max(LEAST_BATCH, assembly.recipe.settings.train.batch_size),
        progress=progress,
    )


def _readers(assembly: Assembly) -> tuple[VisionEncoder, TextEncoder]:
    student = assembly.pretrainer.student
    if student.vision is None or student.text is None:
        missing = "model.vision" if student.vision is None else "model.text"
        where = str(assembly.recipe.source)
        message = "is missing: training reads pairs of an image and a text"
        raise RecipeError(Problem(where, missing, message, f"give '{missing}' a value"))
    return student.vision, student.text
