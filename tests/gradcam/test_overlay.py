"""Pictures with maps over them."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from albefkit.gradcam.overlay import heat, jet, overlay, save_overlay

PICTURE = np.full((48, 80, 3), 100, np.uint8)


def one_cell(row: int, column: int) -> torch.Tensor:
    grad_cam = torch.zeros(3, 5)
    grad_cam[row, column] = 1e-6
    return grad_cam


def test_heat_is_smooth_from_0_to_1_and_highest_where_the_map_is():
    values = heat(one_cell(1, 3), 48, 80)
    assert values.shape == (48, 80)
    assert values.min() == 0 and values.max() == 1
    y, x = np.unravel_index(values.argmax(), values.shape)
    assert abs(y - 24) <= 2 and abs(x - 56) <= 2
    assert np.abs(np.diff(values, axis=0)).max() < 0.2


def test_jet_goes_from_blue_by_green_to_red():
    blue, green, red = jet(np.array([0.1, 0.5, 0.9], np.float32))
    assert blue.argmax() == 2 and green.argmax() == 1 and red.argmax() == 0
    assert jet(np.linspace(0, 1, 50)).min() >= 0 and jet(np.linspace(0, 1, 50)).max() <= 1


def test_the_picture_shows_where_the_map_is_low():
    painted = overlay(PICTURE, one_cell(1, 0))
    assert painted.dtype == np.uint8
    assert painted[24, 4, 0] > 120 and painted[24, 4, 2] < 60  # red
    assert np.abs(painted[:, 60:].astype(int) - 100).max() <= 30
    assert np.array_equal(overlay(PICTURE, torch.ones(3, 5)), PICTURE)


def test_the_map_is_painted_where_its_cells_look():
    shifted = heat(one_cell(1, 3), 48, 80, ((0.1, 0.3, 0.8), (0.1, 0.3, 0.4, 0.5, 0.9)))
    y, x = np.unravel_index(shifted.argmax(), shifted.shape)
    assert abs(y - 14) <= 3 and abs(x - 40) <= 3


def test_it_is_saved_as_png(tmp_path):
    path = tmp_path / "where.png"
    save_overlay(path, PICTURE, one_cell(0, 0))
    with Image.open(path) as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), overlay(PICTURE, one_cell(0, 0)))
    save_overlay(tmp_path / "tiny.png", PICTURE[:1, :1], one_cell(0, 0))
