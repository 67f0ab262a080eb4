"""Attention, both kernels, over padded rows."""

from __future__ import annotations

import pytest
import torch

from albefkit.layers import attention
from albefkit.layers.attention import Attention, Memory, Readers, attend, visible, weights

R, HEADS, L, N, D = 3, 2, 4, 5, 6


def tensors(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, Memory]:
    generator = torch.Generator().manual_seed(0)

    def draw(length: int) -> torch.Tensor:
        shape = (R, HEADS, length, D)
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]).bool()
    return draw(L), Memory(draw(N), draw(N), visible(mask))


@pytest.fixture(params=["written out", "fused"])
def kernel(request, monkeypatch) -> str:
    fused = request.param == "fused"
    monkeypatch.setattr(attention, "fused_pays", lambda device=None: fused)
    return request.param


def test_both_kernels_equal_the_formula_with_released_masks(kernel: str) -> None:
    """Spec 1.3: masks are -10000, added; the softmax cannot tell."""
    query, memory = tensors()
    seen = attend(query, memory)
    scores = query @ memory.key.mT / D**0.5
    assert memory.mask is not None
    added = torch.zeros_like(scores).masked_fill(~memory.mask, -10000.0)
    expected = (scores + added).softmax(dim=-1) @ memory.value
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-12)


def test_a_row_that_sees_nothing_sees_everything(kernel: str) -> None:
    query, memory = tensors()
    assert attend(query, memory).isfinite().all()
    everything = attend(query, memory._replace(mask=None))
    torch.testing.assert_close(attend(query, memory)[2], everything[2])


def test_what_is_hidden_changes_nothing(kernel: str) -> None:
    query, memory = tensors()
    other = memory._replace(key=memory.key.clone(), value=memory.value.clone())
    for table in (other.key, other.value):
        table[1, :, 2:] = 1e3
    assert torch.equal(attend(query, memory)[1], attend(query, other)[1])


def test_weights_sum_to_one() -> None:
    query, memory = tensors()
    assert torch.allclose(weights(query, memory).sum(dim=-1), torch.ones(R, HEADS, L).double())
    assert weights(query, memory)[1, :, :, 2:].count_nonzero() == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_large_scores_stay_finite_in_half_precision(dtype: torch.dtype, kernel: str) -> None:
    query, memory = tensors(dtype)
    seen = attend(query * 30, memory)
    assert seen.isfinite().all() and seen.dtype == dtype


def test_dropout_keeps_the_expectation_and_falls_only_in_training() -> None:
    module = Attention(width=8, heads=2, memory_width=8, dropout=0.5)
    tokens = torch.randn(2, 3, 8)
    memory = module.remember(tokens, None)
    assert torch.equal(module.eval()(tokens, memory), module(tokens, memory))
    assert not torch.equal(module.train()(tokens, memory), module(tokens, memory))


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="3 heads do not divide a width of 8"):
        Attention(width=8, heads=3, memory_width=8, dropout=0.0)


def test_gradients_agree_between_kernels(monkeypatch) -> None:
    found = []
    for fused in (False, True):
        monkeypatch.setattr(attention, "fused_pays", lambda device=None, fused=fused: fused)
        query, memory = tensors()
        query.requires_grad_()
        attend(query, memory).square().sum().backward()
        found.append(query.grad)
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-12)


def test_the_kernel_is_chosen_by_the_device() -> None:
    assert attention.fused_pays(torch.device("cuda"))
    assert not attention.fused_pays(torch.device("cpu"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_kernel_of_a_cuda_device_equals_the_formula(dtype: torch.dtype) -> None:
    query, memory = tensors()
    expected = weights(query, memory) @ memory.value
    assert memory.mask is not None
    there = Memory(memory.key.cuda().to(dtype), memory.value.cuda().to(dtype), memory.mask.cuda())
    seen = attend(query.cuda().to(dtype), there).double().cpu()
    torch.testing.assert_close(seen, expected, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(
    "index", [[2, 0, 1, 0, 2, 1, 1, 0], [1, 1], [0, 1, 2], [1, *[0] * 9, 1], [2, 1, 0, 2, 1, 0]]
)
def test_rows_that_share_a_memory_see_what_they_see_in_copies(kernel: str, index) -> None:
    _, memory = tensors()
    generator, leaves = torch.Generator().manual_seed(1), [memory.key, memory.value]
    query = torch.randn(len(index), HEADS, L, D, generator=generator, dtype=torch.float64)
    rows = torch.tensor(index)
    found = []
    for some in (lambda: memory.read_by(Readers.of(rows, R)), lambda: memory.rows(rows)):
        for leaf in (query, *leaves):
            leaf.requires_grad_().grad = None
        seen = attend(query, some())
        seen.square().sum().backward()
        found.append([seen.detach(), *(leaf.grad for leaf in (query, *leaves))])
    for shared, copied in zip(*found, strict=True):
        torch.testing.assert_close(shared, copied, rtol=0, atol=1e-12)


def test_readers_of_one_row_sit_side_by_side() -> None:
    readers = Readers.of(torch.tensor([2, 0, 1, 0, 2, 1, 1, 0]), R)
    assert (readers.turns, readers.alone.tolist()) == (3, [])
    assert readers.seats.tolist() == [6, 0, 3, 1, 7, 4, 5, 2]


def test_a_crowd_before_one_row_makes_few_empty_seats_before_others() -> None:
    readers = Readers.of(torch.tensor([0, 0, 1, 1, 2, 0, 1]), R)
    assert (readers.turns, readers.alone.tolist()) == (3, [])
    crowd = Readers.of(torch.tensor([0, *[1] * 3]), 40)
    assert (crowd.turns, crowd.together) == (0, None)
    some = Readers.of(torch.tensor([*range(10), *[0] * 3]), 10)
    assert (some.turns, some.alone.tolist()) == (1, [10, 11, 12])
