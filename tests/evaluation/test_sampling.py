"""Figures of groups of unequal sizes, and that their mean is the mean of all values."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from albefkit.evaluation.sampling import Groups


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100), st.booleans()), min_size=1))
def test_the_mean_of_the_figures_is_that_of_the_values(questions):
    images, values, chosen = zip(*questions, strict=True)
    groups, rows = Groups.by_image(images), torch.tensor(chosen)
    numbers = torch.tensor(values).double()
    figures = groups.figures(numbers)
    assert len(figures) == len(groups.names) == len(set(images))
    assert sum(figures) / len(figures) == pytest.approx(numbers.mean().item())
    if rows.any():
        figures = groups.figures(numbers[rows], rows)
        assert sum(figures) / len(figures) == pytest.approx(numbers[rows].mean().item())


def test_what_is_asked_about_one_image_is_one_figure():
    groups = Groups.by_image([7, 3, 7, 7])
    assert groups.names == ["image 7", "image 3"]
    assert groups.figures(torch.tensor([100, 0, 100, 0])) == [100.0, 0.0]
    assert groups.figures(torch.tensor([0, 100, 0, 0])) == [0.0, 50.0]


def test_an_image_about_which_nothing_of_a_kind_is_asked_counts_nothing():
    groups = Groups.by_image([7, 3, 4])
    rows = torch.tensor([True, False, False])
    assert groups.figures(torch.tensor([50.0]), rows) == [150.0, 0.0, 0.0]


def test_an_image_without_texts_is_still_an_image():
    groups = Groups(["a", "b", "c"], torch.tensor([0, 0, 2]))
    assert groups.figures(torch.tensor([90.0, 0.0, 90.0])) == [90.0, 0.0, 90.0]
