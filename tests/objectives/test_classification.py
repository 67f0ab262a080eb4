"""Classes of texts with one or several images."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from albefkit.assemble import Assembly, assemble
from albefkit.data.base import Dataset, Item, Split
from albefkit.data.sampler import Order
from albefkit.engine.step import Step
from albefkit.feeding import train_loader
from albefkit.fusion.base import Fusion
from albefkit.objectives.classification import Classification
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from albefkit.tensors import IGNORED, Fused
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

MICRO = Path(__file__).parents[1] / "micro.yaml"
NAMES = ("red", "green", "blue")
START = Progress(step=0, steps_per_epoch=4, epochs=1)


class ColoursSplit(Split):
    """A text asks about pictures of one colour each; its label is the last one's."""

    fingerprint = "colours"

    def __init__(self, images: int) -> None:
        self._images = images

    def __len__(self):
        return 32

    def item(self, index, rng):
        pictures = []
        for colour in rng.integers(3, size=self._images):
            picture = np.zeros((32, 32, 3), np.uint8)
            picture[..., colour] = 255
            pictures.append(picture)
        return Item(
            pictures[0], "which one", index, {"label": int(colour)}, others=tuple(pictures[1:])
        )

    def captions(self):
        return ["which one"]


class Colours(Dataset):
    def __init__(self, *, images: int = 1) -> None:
        self._images = images

    @property
    def classes(self):
        return NAMES

    @property
    def images_per_text(self):
        return self._images

    def split(self, name):
        return ColoursSplit(self._images)


class Joined(Fusion):
    """Says what a text's images look like, one after the other."""

    def __init__(self, vision: VisionEncoder, text: TextEncoder, *, images: int = 1) -> None:
        super().__init__()
        self.images, self.width = images, text.width
        self.join = nn.Linear(images * vision.width, text.width)

    def forward(self, image, text, image_index, text_index):
        self.asked = image_index, text_index
        seen = image.pooled[image_index.reshape(len(text_index), -1)].flatten(1)
        return Fused(text.tokens[text_index], None, self.join(seen))


@pytest.fixture(autouse=True)
def known():
    with (
        Colours.register("colours"),
        Joined.register("joined"),
        Classification.register("which"),
    ):
        yield


def build(*sets: str, images: int = 1) -> Assembly:
    edits = [
        "objectives={itc: null, itm: null, mlm: null, mod: null, which: {}}",
        f"data={{type: colours, images: {images}}}",
        f"model.fusion={{type: joined, images: {images}}}",
        "augment.flip=never",
        *sets,
    ]
    return assemble(load_recipe(MICRO, sets=edits))


def take(assembly: Assembly) -> Step:
    batch = next(train_loader(assembly, Order(0, 32, 8)).batches())
    return assembly.pretrainer.step(batch, START)


@pytest.mark.parametrize("images", [1, 2])
def test_every_text_meets_its_own_images(images):
    assembly = build(images=images)
    step = take(assembly)
    image, text = assembly.pretrainer.student.fusion.asked
    assert text.tolist() == list(range(8))
    assert image.flatten().tolist() == list(range(8 * images))
    assert image.shape == ((8,) if images == 1 else (8, 2))
    assert step.predictions["which"].logits.shape == (8, 3)


def test_the_loss_is_the_cross_entropy_of_the_labels():
    assembly = build()
    step = take(assembly)
    pooled = step.student.fused("which").pooled
    logits = assembly.pretrainer.student.heads["which"](pooled)
    choice = step.predictions["which"]
    torch.testing.assert_close(choice.loss(), F.cross_entropy(logits, step.batch.fields["label"]))
    assert choice.chance == pytest.approx(math.log(3))


def test_the_head_is_the_released_one():
    head = build().pretrainer.student.heads["which"]
    shapes = {name: list(tensor.shape) for name, tensor in head.state_dict().items()}
    assert shapes == {"0.weight": [16, 16], "0.bias": [16], "2.weight": [3, 16], "2.bias": [3]}
    assert head(-torch.ones(2, 16)).shape == (2, 3)


@pytest.mark.parametrize("images", [1, 2])
def test_it_learns_to_tell_colours_apart(images):
    assembly = build(images=images)
    pretrainer = assembly.pretrainer
    optimizer = torch.optim.AdamW(pretrainer.parameters(), lr=3e-3)
    losses = []
    batches = train_loader(assembly, Order(0, 32, 8)).batches(0, 60)
    for number, batch in enumerate(batches):
        report = pretrainer(batch, Progress(step=number, steps_per_epoch=4, epochs=15))
        optimizer.zero_grad()
        report.loss.backward()
        optimizer.step()
        losses.append(report.loss.item())
    assert sum(losses[-8:]) / 8 < math.log(3) / 4


def test_the_teacher_is_asked_too():
    step = take(build("objectives.mod={alpha: 0.4}"))
    choice = step.predictions["which"]
    answer = step.objectives["which"].predict(step, step.teacher).logits
    labels = F.one_hot(step.batch.fields["label"], 3)
    torch.testing.assert_close(choice.advice, 0.6 * labels + 0.4 * answer.softmax(1))


@pytest.mark.parametrize("sets", [[], ["objectives.mod={alpha: 0.4}"]])
def test_a_label_that_is_no_class_stands_for_nothing(sets):
    assembly = build(*sets)
    batch = next(train_loader(assembly, Order(0, 32, 8)).batches())
    labels = batch.fields["label"]
    whole = assembly.pretrainer.eval().step(batch, START).predictions["which"]
    rows = [
        replace(
            whole,
            logits=whole.logits[row],
            answers=whole.answers[row],
            weight=None,
            advice=None if whole.advice is None else whole.advice[row],
        )
        for row in ([0], [1])
    ]
    batch.fields["label"] = torch.where(torch.arange(8) < 2, labels, IGNORED)
    some = assembly.pretrainer.step(batch, START).predictions["which"]
    torch.testing.assert_close(some.loss(), sum(row.loss() for row in rows) / 2)
    assert some.skipped() == 6


def test_data_without_classes_are_refused():
    with pytest.raises(ComponentError, match=r"objectives\.which(.|\n)*Scenes has no classes"):
        build("data={type: scenes, train: 8}")


def test_data_with_other_images_than_fusion_takes_are_refused():
    with pytest.raises(ComponentError, match="speaks of 2 images, and Joined shows it 1"):
        build("data.images=2")
