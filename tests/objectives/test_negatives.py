"""Drawing rows in proportion to a weight."""

import torch

from albefkit.objectives.negatives import draw_rows


def drawn(log_weight: torch.Tensor, times: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.stack([draw_rows(log_weight, generator)[0] for _ in range(times)])


def test_frequencies_follow_the_weights():
    weight = torch.tensor([[0.0, 0.5, 0.3, 0.2]]).expand(4, 4)
    columns = drawn(weight.log(), 4000)
    frequency = torch.bincount(columns.flatten(), minlength=4) / columns.numel()
    torch.testing.assert_close(frequency, weight[0], atol=0.01, rtol=0)


def test_underflow_and_infinity_are_no_obstacle():
    log_weight = torch.tensor([[-torch.inf, -5e4, -4e4], [0.0, -torch.inf, -torch.inf]])
    columns, found = draw_rows(log_weight, torch.Generator().manual_seed(0))
    assert columns.tolist() == [2, 0]
    assert found.tolist() == [1, 1]


def test_a_row_without_a_legal_column_is_found_out():
    _, found = draw_rows(torch.full((1, 1), -torch.inf), torch.Generator().manual_seed(0))
    assert found.tolist() == [0]
