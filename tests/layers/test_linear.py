"""Linear layers by oneDNN: the same layer, another library."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from albefkit.layers import linear as module
from albefkit.layers.linear import OneDnnLinear, linear, mkl_is_slow, use_onednn

WIDE = 512
pytestmark = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="torch without oneDNN"
)


@pytest.fixture
def slow_mkl(monkeypatch) -> None:
    monkeypatch.setattr(module, "mkl_is_slow", lambda: True)


def tensors(*shape: int, bias: bool = True) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(*shape, WIDE), (WIDE + 8, WIDE), (WIDE + 8,)][: 2 + bias]
    return [torch.randn(each, generator=generator).requires_grad_() for each in shapes]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (2, 5), (2, 3, 4), (2, 0)])
def test_there_and_back_it_equals_torch(slow_mkl, monkeypatch, shape, bias):
    found = []
    for each in (linear, F.linear):
        rows, weight, *rest = leaves = tensors(*shape, bias=bias)
        out = each(rows, weight, rest[0] if rest else None)
        out.square().sum().backward()
        found.append([out.detach(), *(leaf.grad for leaf in leaves)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-2)


def test_rows_may_lie_crosswise_in_memory(slow_mkl):
    rows, weight, bias = (each.detach() for each in tensors(4, 3))
    crosswise = rows.transpose(0, 1)
    expected = F.linear(crosswise, weight, bias)
    torch.testing.assert_close(linear(crosswise, weight, bias), expected, rtol=1e-4, atol=1e-4)


def test_what_onednn_is_not_for_is_left_to_torch(slow_mkl, monkeypatch):
    def refuse(*_):
        raise AssertionError("oneDNN was asked")

    monkeypatch.setattr(module, "_product", refuse)
    rows, weight, bias = tensors(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(rows, weight, bias).dtype == torch.bfloat16
    assert linear(rows.double(), weight.double(), None).dtype == torch.float64
    assert linear(rows[:, :8], weight[:, :8], bias).shape == (3, WIDE + 8)
    assert linear(rows[0], weight, bias).shape == (WIDE + 8,)
    with pytest.raises(AssertionError, match="oneDNN"):
        linear(rows, weight, bias)


def test_large_layers_of_a_network_change_hands(slow_mkl):
    network = nn.Sequential(nn.Linear(WIDE, WIDE), nn.ReLU(), nn.Linear(WIDE, 4))
    before, rows = copy.deepcopy(network), torch.randn(3, WIDE)
    assert use_onednn(network) == 1
    assert [type(network[0]), type(network[2])] == [OneDnnLinear, nn.Linear]
    assert use_onednn(network) == 0
    assert network.state_dict().keys() == before.state_dict().keys()
    torch.testing.assert_close(network(rows), before(rows), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(copy.deepcopy(network)(rows), network(rows))


@pytest.mark.parametrize(
    ("maker", "capability", "slow"),
    [
        ("AuthenticAMD", "AVX512", True),
        ("GenuineIntel", "AVX512", False),
        ("AuthenticAMD", "AVX2", False),
        (None, "AVX512", False),
    ],
)
def test_the_processor_decides(monkeypatch, tmp_path, maker, capability, slow):
    processors = tmp_path / "cpuinfo"
    if maker is not None:
        processors.write_text(f"vendor_id\t: {maker}\n")
    monkeypatch.setattr(module, "PROCESSORS", processors)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    mkl_is_slow.cache_clear()
    try:
        assert mkl_is_slow() == slow
        network = nn.Linear(WIDE, WIDE)
        assert use_onednn(network) == slow
    finally:
        mkl_is_slow.cache_clear()


def test_its_operations_are_counted(slow_mkl):
    rows, weight, bias = tensors(3)
    counts = []
    for each in (linear, F.linear):
        with FlopCounterMode(display=False) as counter:
            each(rows, weight, bias).sum().backward()
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1]


def test_a_compiler_sees_torchs_own_layer(slow_mkl, monkeypatch):
    def refuse(*_):
        raise AssertionError("oneDNN was asked")

    network, rows = nn.Linear(WIDE, WIDE), torch.randn(3, WIDE)
    expected = network(rows)
    use_onednn(network)
    monkeypatch.setattr(module, "_product", refuse)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(rows), expected)
