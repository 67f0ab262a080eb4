"""RandAugment where the released code's output says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from albefkit.data import randaugment
from albefkit.data.randaugment import RandAugment


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(20, 230, (24, 31, 3), np.uint8)


def test_same_source_same_image(image: np.ndarray) -> None:
    augment = RandAugment(3, 9)
    once, again = (augment(image, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_the_given_image_is_left_as_it_is(image: np.ndarray) -> None:
    before = image.copy()
    for seed in range(40):
        assert RandAugment(4, 10)(image, np.random.default_rng(seed)).shape == image.shape
    np.testing.assert_array_equal(image, before)


def test_no_operation_changes_nothing(image: np.ndarray) -> None:
    assert RandAugment(0, 7)(image, np.random.default_rng(0)) is image


def test_clipped_contrast_stretches_where_the_released_one_turns_white(image: np.ndarray) -> None:
    sound, released = (randaugment.auto_contrast(image, how) for how in ("clip", "wrap"))
    assert sound.min() == 0 and sound.max() == 255 and 100 < sound.mean() < 155
    assert released.min() == 255


def test_clipped_sharpness_keeps_bright_bright() -> None:
    edge = np.full((8, 8, 3), 255, np.uint8)
    edge[:, 4:] = 0
    assert randaugment.sharpness(edge, 1.36, "clip")[4, 3, 0] == 255
    assert randaugment.sharpness(edge, 1.36, "wrap")[4, 3, 0] < 255


def test_one_grey_level_survives_every_operation() -> None:
    flat = np.full((9, 9, 3), 77, np.uint8)
    np.testing.assert_array_equal(randaugment.auto_contrast(flat), flat)
    np.testing.assert_array_equal(randaugment.equalize(flat), flat)


def test_translation_moves_whole_pixels_and_fills_with_grey(image: np.ndarray) -> None:
    moved = randaugment.translate_x(image, 7)
    np.testing.assert_array_equal(moved[:, :-7], image[:, 7:])
    assert (moved[:, -7:] == 128).all()


def test_level_zero_keeps_geometry(image: np.ndarray) -> None:
    for operation in (randaugment.shear_x, randaugment.shear_y, randaugment.rotate):
        np.testing.assert_array_equal(operation(image, 0.0), image)


def test_flipped_views_are_accepted(image: np.ndarray) -> None:
    flipped = image[:, ::-1]
    for operation in (
        randaugment.auto_contrast,
        randaugment.equalize,
        lambda i: randaugment.sharpness(i, 1.36),
        lambda i: randaugment.rotate(i, 21.0),
    ):
        np.testing.assert_array_equal(operation(flipped), operation(flipped.copy()))
