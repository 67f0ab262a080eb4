"""Layers that are compiled, and what happens where none can be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from albefkit.assemble import assemble
from albefkit.data.sampler import Order
from albefkit.engine import compiling
from albefkit.engine.compiling import compile_layers, repeated_layers, uncompiled
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import AlbefkitWarning

HOST = torch.device("cpu")
MICRO = Path(__file__).parent.parent / "micro.yaml"
DEEP = [
    "train.batch_size=4",
    "model.vision.depth=2",
    "model.text.layers=2",
    "model.fusion.layers=2",
]

WITHOUT_DROPOUT = ["model.text.dropout=0", "model.fusion.dropout=0"]
"""Compiled layers drop others."""


@pytest.fixture(autouse=True)
def restored():
    with torch._dynamo.config.patch(suppress_errors=False):
        yield


@pytest.fixture
def pretrainer():
    return assemble(load_recipe(MICRO, sets=DEEP)).pretrainer.train()


def compiled(network: nn.Module) -> list[nn.Module]:
    return [part for part in network.modules() if part._compiled_call_impl is not None]


def test_rows_of_one_kind_are_what_repeats():
    block = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network = nn.ModuleDict(
        {
            "stem": nn.Sequential(nn.Conv2d(3, 4, 1), nn.GELU()),
            "blocks": nn.ModuleList([block, nn.Sequential(nn.Linear(2, 2))]),
            "alone": nn.ModuleList([nn.Linear(2, 2)]),
        }
    )
    assert repeated_layers(network) == list(network["blocks"])


@pytest.mark.parametrize("wanted", ["auto", False])
def test_nothing_is_compiled_unasked_on_a_cpu(pretrainer, wanted):
    assert compile_layers(pretrainer, wanted, HOST) == 0
    assert not compiled(pretrainer)


def test_layers_of_student_and_teacher_are_compiled(pretrainer, monkeypatch):
    monkeypatch.setattr(compiling, "_obstacle", lambda device: None)
    assert compile_layers(pretrainer, True, HOST) == len(compiled(pretrainer))
    for network in (pretrainer.student, pretrainer.teacher.network):
        for part in (network.vision, network.text, network.fusion):
            assert compiled(part)


def test_a_machine_without_a_compiler_goes_on_without_and_says_so(pretrainer, monkeypatch):
    def broken(function):
        raise RuntimeError("\nno C++ compiler is installed\nread the manual")

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.warns(AlbefkitWarning, match=r"train\.compile: .* RuntimeError: no C\+\+ compiler"):
        assert compile_layers(pretrainer, True, HOST) == 0
    assert not compiled(pretrainer)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute")
def test_a_compiled_step_computes_the_same():
    losses, gradients = [], []
    for wanted in (False, True):
        assembly = assemble(load_recipe(MICRO, sets=[*DEEP, *WITHOUT_DROPOUT]))
        pretrainer = assembly.pretrainer.train()
        assert bool(compile_layers(pretrainer, wanted, HOST)) == wanted
        torch._dynamo.config.suppress_errors = False  # a failure must be seen here
        torch._dynamo.utils.counters.clear()
        batch = next(train_loader(assembly, Order(42, 64, 4)).batches())
        torch.manual_seed(0)
        report = pretrainer(batch, Progress(step=0, steps_per_epoch=4, epochs=1))
        report.loss.backward()
        losses.append(report.loss.detach())
        gradients.append({n: p.grad for n, p in pretrainer.student.named_parameters()})
        assert bool(torch._dynamo.utils.counters["frames"].get("ok", 0)) == wanted
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=1e-6)
    for name, gradient in gradients[0].items():
        if gradient is not None:
            torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_examinations_are_carried_out_as_written():
    layer = nn.Linear(2, 2)
    torch._dynamo.utils.counters.clear()
    layer.compile()
    with uncompiled():
        layer(torch.ones(1, 2))
    assert not torch._dynamo.utils.counters["frames"]
    layer(torch.ones(1, 2))
    assert torch._dynamo.utils.counters["frames"]["ok"]
