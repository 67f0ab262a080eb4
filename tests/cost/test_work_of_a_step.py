"""How often each part works in one step, and on how many rows."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Sequence

import pytest
from torch import Tensor, nn

from albefkit.assemble import Assembly, assemble
from albefkit.data.sampler import Order
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe

ROWS = 8
QUEUE = "alignment.keys={type: momentum-queue, size: 64, unfilled: masked}"
SMALL = ["data.train=64", "data.val=4", "data.test=4", f"train.batch_size={ROWS}", QUEUE]


def step_of(*sets: str, drops: Sequence[str] = ()) -> tuple[Assembly, Counter[str], Counter[str]]:
    """Take one step; how often each module was called, and how many rows it saw in all."""
    assembly = assemble(load_recipe("albef_tiny", sets=[*SMALL, *sets], drops=drops))
    calls: Counter[str] = Counter()
    rows: Counter[str] = Counter()

    def watch(name: str, module: nn.Module) -> None:
        def count(_module, inputs, _output) -> None:
            calls[name] += 1
            rows[name] += sum(len(each) for each in inputs[:1] if isinstance(each, Tensor))

        module.register_forward_hook(count)

    for name, module in assembly.pretrainer.named_modules():
        watch(name, module)
    batch = next(train_loader(assembly, Order(1, 64, ROWS)).batches())
    assembly.pretrainer(batch, Progress(step=0, steps_per_epoch=8, epochs=1))
    return assembly, calls, rows


def test_each_encoder_runs_once():
    _, calls, rows = step_of()
    for who in ("student", "teacher.network"):
        assert calls[f"{who}.vision"] == calls[f"{who}.text"] == calls[f"{who}.fusion"] == 1
        assert rows[f"{who}.vision"] == ROWS
        assert rows[f"{who}.text"] == 2 * ROWS


def test_image_keys_and_values_are_projected_once_per_image_and_layer():
    _, calls, rows = step_of()
    for layer in (0, 1):
        for map_ in ("key", "value"):
            name = f"student.fusion.layers.{layer}.cross_attention.{map_}"
            assert (calls[name], rows[name]) == (1, ROWS)
        assert rows[f"student.fusion.layers.{layer}"] == 4 * ROWS


@pytest.mark.parametrize(
    ("of", "texts", "fused"),
    [("[itc]", ROWS, 0), ("[mlm]", 2 * ROWS, ROWS), ("null", 2 * ROWS, ROWS)],
)
def test_the_teacher_does_only_what_it_is_asked(of, texts, fused):
    _, _, rows = step_of(f"objectives.mod.of={of}")
    assert rows["teacher.network.text"] == texts
    assert rows["teacher.network.fusion.layers.0"] == fused


def test_nobody_asks_and_no_teacher_is_built():
    assembly, _, _ = step_of("alignment.keys={type: in-batch}", drops=["mod"])
    assert not list(assembly.pretrainer.teacher.parameters())


def test_the_vocabulary_is_met_only_where_words_are_hidden():
    _, _, rows = step_of()
    assert 0 < rows["student.heads.mlm"] < ROWS * 5


@pytest.mark.parametrize("sets", [[], ["alignment.keys=in-batch"]])
def test_nothing_of_a_step_waits_for_the_garbage_collector(monkeypatch, sets):
    assembly = assemble(load_recipe("albef_tiny", sets=[*SMALL, *sets]))
    batch = next(train_loader(assembly, Order(1, 64, ROWS)).batches())
    pretrainer, taken = assembly.pretrainer, []
    step = pretrainer.step

    def watched(*given):
        found = step(*given)
        taken.append(weakref.ref(found))
        return found

    monkeypatch.setattr(pretrainer, "step", watched)
    gc.disable()
    try:
        pretrainer(batch, Progress(step=0, steps_per_epoch=8, epochs=1)).loss.backward()
        assert taken[0]() is None
    finally:
        gc.enable()


def test_student_and_teacher_choose_from_one_copy_of_the_queue():
    assembly = assemble(load_recipe("albef_tiny", sets=SMALL))
    batch = next(train_loader(assembly, Order(1, 64, ROWS)).batches())
    step = assembly.pretrainer.step(batch, Progress(step=0, steps_per_epoch=8, epochs=1))
    found = [who.similarities().candidates for who in (step.student, step.teacher)]
    assert found[0] is found[1]
