"""What an assembly is fed with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from albefkit.assemble import assemble
from albefkit.data import transforms
from albefkit.data.sampler import Order
from albefkit.data.scenes.dataset import ScenesSplit
from albefkit.feeding import train_loader, training_order
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import AlbefkitWarning

SMALL = ["data.size=32", "data.train=8", "data.val=4", "data.test=4", "model.vision.image_size=32"]


@pytest.mark.parametrize(("wish", "smallest"), [("auto", 0.95), ("[0.3, 0.4]", 0.3)])
def test_a_crop_is_as_small_as_the_recipe_says_or_the_data_bear(
    wish, smallest, monkeypatch, tmp_path
):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path))
    drawn = []

    def crop(width, height, scale, rng):
        drawn.append(scale)
        return 0, 0, width, height

    monkeypatch.setattr(transforms, "random_crop", crop)
    sets = [*SMALL, f"augment.crop_scale={wish}", "train.batch_size=4"]
    loader = train_loader(assemble(load_recipe("albef_tiny", sets=sets)), Order(0, 8, 4, 0, 1))
    next(loader.batches())
    assert np.allclose([scale[0] for scale in drawn], smallest) and len(drawn) == 4


TASKS = {
    "scenes": [],
    "questions": ["data={type: scene-questions}"],
    "statements": ["data={type: scene-statements, images: 1}"],
    "entailment": ["data={type: scene-entailment}"],
}
LITTLE = ["data.size=32", "data.train=64", "train.batch_size=8", "evaluate=null"]


@pytest.mark.parametrize("task", TASKS)
def test_like_lengths_are_counted_in_the_tokens_that_are_read(task, monkeypatch, tmp_path):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path))
    sets = [*TASKS[task], *LITTLE, "model.vision.image_size=32", "augment.flip=never"]
    places = {}
    for window in (1, 8):
        edits = [*sets, f"train.length_buckets={window}"]
        assembly = assemble(load_recipe("albef_tiny", sets=edits))
        order = training_order(assembly)
        batches = list(train_loader(assembly, order).batches(0, 8))
        places[window] = sum(batch.text.mask.numel() for batch in batches)
    assert order.buckets is not None
    for cursor, batch in enumerate(batches):
        counted = order.buckets.lengths[order.batch(cursor).indices]
        assert counted.tolist() == batch.text.mask.sum(1).tolist()
    assert places[8] < places[1]


def test_data_that_do_not_tell_their_texts_are_not_sorted_and_that_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path))
    monkeypatch.setattr(ScenesSplit, "captions", lambda split: ["a circle"] * 2 * len(split))
    assembly = assemble(load_recipe("albef_tiny", sets=LITTLE))
    with pytest.warns(AlbefkitWarning, match=r"by length: .* 128 captions for 64 items"):
        assert training_order(assembly).buckets is None


def test_what_is_drawn_from_several_texts_is_as_long_as_the_longest(monkeypatch, tmp_path):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path))
    edits = [*LITTLE, "data={type: scene-expressions}", "train.length_buckets=4"]
    assembly = assemble(load_recipe("albef_tiny", sets=edits))
    order = training_order(assembly)
    batch = next(train_loader(assembly, order).batches(0, 1))
    assert order.buckets is not None
    longest = order.buckets.lengths[order.batch(0).indices]
    assert (torch.as_tensor(longest) >= batch.text.mask.sum(1)).all()
