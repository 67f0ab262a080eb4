"""What an assembly is fed with."""

from __future__ import annotations

import numpy as np
import pytest

from albefkit.assemble import assemble
from albefkit.data import transforms
from albefkit.data.sampler import Order
from albefkit.feeding import train_loader
from albefkit.recipe.load import load_recipe

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
