"""Hiding words."""

import torch

from albefkit.objectives.masking import Draws, draw, hide
from albefkit.tensors import IGNORED, TextView

PAD, CLS, SEP, MASK = 0, 2, 3, 4


def texts() -> TextView:
    ids = torch.tensor([[CLS, 10, 11, SEP], [CLS, 12, PAD, PAD]])
    return TextView(ids, ids != PAD)


def everywhere(value: bool) -> torch.Tensor:
    return torch.full((2, 4), value)


def test_each_fate_of_a_selected_word():
    word = torch.full((2, 4), 99)
    for replace, scramble, shown in [(True, True, MASK), (False, True, 99), (False, False, 10)]:
        draws = Draws(everywhere(True), everywhere(replace), everywhere(scramble), word)
        view = hide(texts(), draws, MASK, frozenset({PAD, CLS}))
        assert view.ids[0, 1] == shown
        assert view.labels is not None
        assert view.labels[0].tolist() == [IGNORED, 10, 11, SEP]
        assert view.labels[1].tolist() == [IGNORED, 12, IGNORED, IGNORED]


def test_nothing_selected_changes_nothing():
    draws = Draws(everywhere(False), everywhere(True), everywhere(True), texts().ids)
    view = hide(texts(), draws, MASK, frozenset({PAD, CLS}))
    assert torch.equal(view.ids, texts().ids)
    assert view.labels is not None and (view.labels == IGNORED).all()


def test_shares_are_those_of_bert():
    draws = draw(torch.Size([400, 500]), 0.15, (5, 300), torch.Generator().manual_seed(1))
    shares = [draws.select, draws.replace, draws.scramble]
    for share, expected in zip(shares, [0.15, 0.8, 0.5], strict=True):
        assert abs(share.float().mean().item() - expected) < 0.005
    assert draws.word.min() == 5 and draws.word.max() == 299
