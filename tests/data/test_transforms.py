"""Crops, flips and normalisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from albefkit.data.randaugment import RandAugment
from albefkit.data.transforms import EvalTransform, TrainTransform, random_crop, swap_sides

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)


def whole(flip: str) -> TrainTransform:
    """Keeps the whole of a square picture, so that only the flip is left to chance."""
    return TrainTransform(16, MEAN, STD, crop_scale=(1.0, 1.0), flip=flip)


def test_result_is_a_normalised_square(image: np.ndarray) -> None:
    transform = TrainTransform(32, MEAN, STD, randaugment=RandAugment())
    picture, text = transform(image, "a dog", np.random.default_rng(1))
    assert picture.shape == (3, 32, 32) and picture.dtype == torch.float32
    assert picture.is_contiguous() and text == "a dog"


def test_same_rng_same_picture(image: np.ndarray) -> None:
    transform = TrainTransform(32, MEAN, STD, randaugment=RandAugment())
    once, again = (transform(image, "", np.random.default_rng(3))[0] for _ in range(2))
    assert torch.equal(once, again)


def test_normalisation_is_per_channel(image: np.ndarray) -> None:
    square = image[:40, :40]
    got = EvalTransform(40, MEAN, STD)(square)
    expected = (square / 255 - np.array(MEAN)) / np.array(STD)
    np.testing.assert_allclose(got.permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_evaluation_squeezes_into_the_square(image: np.ndarray) -> None:
    assert EvalTransform(24, MEAN, STD)(image).shape == (3, 24, 24)


@pytest.mark.parametrize("flip", ["always", "unless-sided", "never"])
def test_flips(flip: str) -> None:
    square = np.random.default_rng(2).integers(0, 256, (16, 16, 3), np.uint8)
    outcomes = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        picture, text = whole(flip).picture(square, "a cup left of it", rng)
        mirrored = (picture == square[:, ::-1]).all()
        if mirrored or (picture == square).all():  # 4:3 crops of a square show less than all
            outcomes.add((bool(mirrored), text))
    said, swapped = "a cup left of it", "a cup right of it"
    assert (
        outcomes
        == {
            "always": {(False, said), (True, said)},
            "unless-sided": {(False, said), (True, swapped)},
            "never": {(False, said)},
        }[flip]
    )


def test_swapping_sides_twice_gives_the_text_back() -> None:
    text = "the leftmost cup is to the left of the right hand, brightly lit"
    assert swap_sides(text) == "the rightmost cup is to the right of the left hand, brightly lit"
    assert swap_sides(swap_sides(text)) == text


@pytest.mark.parametrize(("width", "height"), [(64, 64), (300, 20), (3, 200), (1, 1)])
def test_crops_stay_inside(width: int, height: int) -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        left, top, wide, high = random_crop(width, height, (0.2, 1.0), rng)
        assert left >= 0 and left + wide <= width and wide > 0
        assert top >= 0 and top + high <= height and high > 0


def test_crops_keep_the_asked_share_and_reach_every_corner() -> None:
    crops = [random_crop(200, 200, (0.2, 0.5), np.random.default_rng(s)) for s in range(600)]
    shares = [wide * high / 200**2 for _, _, wide, high in crops]
    assert 0.19 < min(shares) < 0.22 and 0.48 < max(shares) < 0.51
    assert min(left for left, *_ in crops) == 0
    assert max(left + wide for left, _, wide, _ in crops) == 200
