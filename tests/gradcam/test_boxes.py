"""Boxes against maps, by slicing and counting."""

from __future__ import annotations

import pytest
import torch

from albefkit.gradcam.boxes import (
    box_mask,
    box_scores,
    box_sums,
    choose_boxes,
    enlarge,
    intersection_over_union,
)
from albefkit.layers.receptive import even_middles
from albefkit.registry.errors import ComponentError

HEIGHT, WIDTH = 30, 40


def many_boxes(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, generator=generator).double() * torch.tensor([WIDTH, HEIGHT])
    return torch.cat([corners, 0.5 + 25 * torch.rand(count, 2, generator=generator).double()], 1)


def sliced(image: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    x, y, w, h = box.tolist()
    return image[int(y) : int(y + h), int(x) : int(x + w)]


def test_sums_and_masks_are_slices():
    maps = torch.randn(2, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
    boxes = many_boxes(50)
    found = box_sums(maps, boxes)
    assert found.shape == (2, 50)
    for number, box in enumerate(boxes):
        for each in range(2):
            wanted = sliced(maps[each].double(), box).sum().item()
            assert found[each, number].item() == pytest.approx(wanted, abs=1e-9)
        mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
        sliced(mask, box)[:] = True
        assert torch.equal(box_mask(box, HEIGHT, WIDTH), mask)


@pytest.mark.parametrize("box", [(-9, -9, 5, 5), (-4, 2, 10, 3), (35, 25, 50, 50), (90, 90, 5, 5)])
def test_what_lies_outside_the_image_is_empty(box):
    outside = torch.tensor([box]).double()
    inside = max(0, min(WIDTH, box[0] + box[2]) - max(0, box[0]))
    inside *= max(0, min(HEIGHT, box[1] + box[3]) - max(0, box[1]))
    assert box_sums(torch.ones(HEIGHT, WIDTH), outside).item() == inside
    assert box_mask(outside[0], HEIGHT, WIDTH).sum().item() == inside


def test_scores_are_sums_over_the_root_of_the_area():
    maps, boxes = torch.rand(HEIGHT, WIDTH), torch.tensor([[2.0, 3, 4, 9]])
    assert box_scores(maps, boxes).item() == pytest.approx(maps[3:12, 2:6].sum().item() / 6)


def test_the_best_box_is_chosen_even_where_none_scores():
    scores = torch.tensor([[0.1, 0.3], [-2.0, -1.0], [-torch.inf, -torch.inf], [0.2, -torch.inf]])
    boxes = torch.arange(32).reshape(4, 2, 4)
    assert choose_boxes(scores, boxes)[:2].tolist() == [[4, 5, 6, 7], [12, 13, 14, 15]]
    released = choose_boxes(scores, boxes, released_stale_box=True)
    assert released.tolist() == [[4, 5, 6, 7]] * 3 + [[24, 25, 26, 27]]


def test_the_first_item_has_no_box_before_it():
    with pytest.raises(ComponentError, match="released_stale_box: false"):
        choose_boxes(-torch.ones(1, 2), torch.ones(1, 2, 4), released_stale_box=True)


def test_agreement_counts_pixels():
    boxes = torch.tensor([[2.0, 3, 4, 9], [4, 5, 8, 8], [20, 20, 3, 3]]).double()
    found = intersection_over_union(boxes[:, None], boxes[None])
    for a in range(3):
        for b in range(3):
            one, two = (box_mask(boxes[each], HEIGHT, WIDTH) for each in (a, b))
            wanted = (one & two).sum() / (one | two).sum()
            assert found[a, b].item() == pytest.approx(wanted.item())


def test_even_middles_change_nothing():
    maps = torch.randn(3, 2, 4, 5)
    for height, width in ((30, 41), (4, 5), (3, 7)):
        plain = enlarge(maps, height, width)
        assert plain.shape == (3, 2, height, width)
        even = enlarge(maps, height, width, (even_middles(4), even_middles(5)))
        assert torch.equal(plain, even)


def test_a_cell_comes_to_lie_where_it_looks():
    maps = torch.zeros(4, 4)
    maps[2, 1] = 1
    middles = (0.125, 0.26, 0.51, 0.76)
    large = enlarge(maps, 100, 100, (middles, middles))
    strong = (large > 0.9 * large.max()).nonzero().double().mean(0)
    assert strong.tolist() == pytest.approx([51, 26], abs=2)
