"""Which numbers are computed with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from albefkit.assemble import assemble
from albefkit.data.sampler import Order
from albefkit.engine import precision as module
from albefkit.engine.precision import Precision, choose_precision
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe

HOST = torch.device("cpu")
MICRO = Path(__file__).parent.parent / "micro.yaml"


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


def test_a_processor_without_bf16_is_not_asked_for_long(monkeypatch):
    asked = []

    def seconds(square):
        asked.append(square.dtype)
        return 0.2 if square.dtype == torch.bfloat16 else 0.002

    monkeypatch.setattr(module, "_seconds", seconds)
    module.bf16_pays_on_cpu.cache_clear()
    assert not module.bf16_pays_on_cpu()
    module.bf16_pays_on_cpu.cache_clear()
    assert asked.count(torch.bfloat16) == 2


def test_every_part_runs_in_the_precision_of_the_step():
    """Whoever looks first, and similarities look first, which are never in half precision."""
    assembly = assemble(load_recipe(MICRO, sets=["train.batch_size=4"]))
    pretrainer = assembly.pretrainer.train()
    networks = (pretrainer.student, pretrainer.teacher.network)
    seen = []
    for network in networks:
        for part in (network.vision, network.text, network.fusion):
            part.register_forward_pre_hook(lambda *_: seen.append(torch.is_autocast_enabled("cpu")))
    batch = next(train_loader(assembly, Order(42, 64, 4)).batches())
    progress = Progress(step=0, steps_per_epoch=4, epochs=1)
    with Precision("bf16", HOST).autocast():
        step = pretrainer.step(batch, progress)
    assert seen == [True] * 6
    assert step.student.similarities().image_to_text.dtype == torch.float32
