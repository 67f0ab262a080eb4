"""Measures of maps against boxes, on maps whose worth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from albefkit.data.base import Item
from albefkit.evaluation.pointing import Pointed, gather, point
from albefkit.registry.errors import DataError

EMPTY, CELL = torch.zeros(4, 4), torch.zeros(4, 4)
CELL[1, 2] = 1.0
PERFECT = (16.0, 8.0, 8.0, 8.0)
FIELDS = {"box": PERFECT, "boxes": (PERFECT, (0.0, 0.0, 8.0, 8.0), (16.0, 8.0, 8.0, 12.0))}


def item(height: int = 32, width: int = 32, **fields: object) -> Item:
    return Item(np.zeros((height, width, 3), np.uint8), "the cup", 0, FIELDS | fields)


def pointed(*maps: torch.Tensor, threshold: float = 0.5, **fields: object) -> Pointed:
    return point(torch.stack(maps), item(**fields), threshold)


def test_a_map_of_the_box_alone():
    found = pointed(CELL)
    assert found.hit.tolist() == [1.0]
    assert found.share == pytest.approx(1 / 16)
    assert found.energy.item() > 0.5
    assert found.overlap.item() > 0.5
    assert found.scores.argmax(0).tolist() == [0]


def test_maps_are_measured_one_by_one():
    found = pointed(CELL, EMPTY, CELL.flip(0))
    assert found.hit.tolist() == [1.0, 0.0, 0.0]
    alone = pointed(CELL.flip(0))
    assert found.energy[2] == alone.energy[0] < 0.1
    assert found.overlap[2] == alone.overlap[0] < 0.1


def test_a_silent_map_finds_nothing():
    found = pointed(EMPTY, box=(0.0, 0.0, 16.0, 16.0))
    assert found.hit.tolist() == found.energy.tolist() == found.overlap.tolist() == [0.0]
    assert gather([found], released_stale_box=False).agreement.tolist() == [[0.0]]


def test_the_released_code_takes_the_box_before_for_a_silent_map():
    pair = [pointed(CELL), pointed(EMPTY)]
    assert gather(pair, released_stale_box=True).agreement.tolist() == [[1.0], [1.0]]
    assert gather(pair, released_stale_box=False).agreement.tolist() == [[1.0], [0.0]]


def test_a_map_that_is_the_same_everywhere_has_the_energy_of_chance():
    found = pointed(torch.ones(4, 4))
    assert found.energy.item() == pytest.approx(found.share)
    assert found.overlap.item() == pytest.approx(found.share)


def test_the_strong_part_is_what_the_threshold_says():
    low, middle, high = (pointed(CELL, threshold=t).overlap.item() for t in (0.1, 0.5, 0.9))
    assert low < middle > high  # it is first larger than the box, then smaller
    whole = pointed(torch.ones(4, 4), threshold=1.0, box=(0.0, 0.0, 32.0, 32.0))
    assert whole.overlap.item() == 1.0


def test_cells_lie_where_they_look():
    shifted = ((0.1, 0.8, 0.9, 0.95), (0.1, 0.2, 0.3, 0.9))
    fields = {"box": (6.0, 20.0, 8.0, 8.0)}
    found = point(CELL[None], item(**fields), 0.5, shifted)
    assert found.hit.tolist() == [1.0]
    assert found.energy.item() > pointed(CELL, **fields).energy.item() + 0.2


def test_pictures_need_not_be_square():
    found = point(CELL[None], item(16, 64, box=(32.0, 4.0, 16.0, 4.0), boxes=()), 0.5)
    assert found.hit.tolist() == [1.0]
    assert found.share == pytest.approx(1 / 16)


@pytest.mark.parametrize("box", [(40.0, 0.0, 5.0, 5.0), (3.0, 3.0, 0.2, 0.2)])
def test_a_true_box_without_a_pixel_is_refused(box):
    with pytest.raises(DataError, match="holds no pixel of its 32 x 32"):
        pointed(CELL, box=box)


def test_items_need_a_true_box():
    with pytest.raises(DataError, match="'box'"):
        point(CELL[None], Item(np.zeros((8, 8, 3), np.uint8), "", 0), 0.5)


def test_findings_of_many():
    right = pointed(CELL, CELL.flip(0), part="b")
    wrong = pointed(CELL.flip(0), CELL, part="a", boxes=(PERFECT, (16.0, 16.0, 8.0, 8.0)))
    bare = pointed(CELL, CELL, part="a", boxes=())
    found = gather([right, wrong, bare], released_stale_box=False)
    assert found.main == "box_accuracy"
    first, second = found.figures(0), found.figures(1)
    assert first["pointing"] == pytest.approx(200 / 3)
    assert first["box_accuracy"] == pytest.approx(100 / 3)
    assert second["pointing"] == pytest.approx(200 / 3)
    assert second["box_accuracy"] == pytest.approx(200 / 3)  # the larger box agrees by 2 / 3
    chance = found.chance()
    assert chance["pointing"] == pytest.approx(100 / 16)
    assert chance["box_accuracy"] == pytest.approx(100 * (2 / 3 + 1 / 2 + 0) / 3)
    rows = found.rows_of_parts()
    assert list(rows) == ["a", "b"]
    assert found.figures(0, rows["b"])["pointing"] == 100.0
    assert found.figures(0, rows["a"])["pointing"] == 50.0


def test_without_boxes_to_choose_from_pointing_counts():
    found = gather([pointed(CELL, boxes=())] * 2, released_stale_box=False)
    assert found.main == "pointing" and "box_accuracy" not in found.figures(0)
    assert found.rows_of_parts() == {}
