"""Which numbers are computed with."""

from __future__ import annotations

import pytest
import torch

from albefkit.engine import precision as module
from albefkit.engine.precision import choose_precision

HOST = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_what_is_asked_for_is_taken(name, dtype):
    precision = choose_precision(name, HOST)
    assert precision.name == name
    with precision.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    assert precision.scaler().is_enabled() == (name == "fp16")


@pytest.mark.parametrize("pays", [True, False])
def test_auto_takes_bf16_where_it_pays(monkeypatch, pays):
    monkeypatch.setattr(module, "bf16_pays_on_cpu", lambda: pays)
    assert choose_precision("auto", HOST).name == ("bf16" if pays else "fp32")


def test_the_measurement_is_made_once():
    module.bf16_pays_on_cpu.cache_clear()
    assert module.bf16_pays_on_cpu() in (True, False)
    module.bf16_pays_on_cpu()
    assert module.bf16_pays_on_cpu.cache_info().misses == 1
