"""Weights that layers of a fusion share: teacher, optimizer, files and other runs keep them so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from albefkit.assemble import Assembly, assemble
from albefkit.data.sampler import Order
from albefkit.distill.constant import Constant
from albefkit.distill.momentum import Momentum
from albefkit.engine.adamw import AdamW
from albefkit.engine.checkpoint import WEIGHTS, Checkpoints
from albefkit.feeding import train_loader
from albefkit.interop.ancestor import read_ancestor
from albefkit.network import Network
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from tests.fusion.test_paired_attention import shaken, shares

MICRO = Path(__file__).parents[1] / "micro.yaml"
START = Progress(step=0, steps_per_epoch=4, epochs=1)
LAYERS = "heads: 2, feed_forward: 32, dropout: 0.0, pretrained: false"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))


def build() -> Assembly:
    edits = [
        "objectives={itc: null, itm: null, mlm: null, mod: null, assign: {type: text-assignment}}",
        f"model.fusion={{type: paired-cross-attention, images: 2, layers: 2, {LAYERS}}}",
        "alignment.keys=in-batch",
    ]
    return assemble(load_recipe(MICRO, sets=edits))


@pytest.fixture
def assembly() -> Assembly:
    made = build()
    shaken(made.pretrainer)
    return made


def teacher_of(student: Network) -> Momentum:
    teacher = Momentum(momentum=Constant(value=0.9))
    teacher.mirror(student, {"vision", "text", "fusion"})
    return teacher


def test_a_teacher_mirrors_the_sharing_and_follows_once(assembly: Assembly) -> None:
    student = assembly.pretrainer.student
    teacher = teacher_of(student)
    fusion = teacher.network.fusion
    assert fusion is not None and shares(fusion)
    before = {name: own.clone() for name, own in fusion.state_dict().items()}
    shaken(student)
    teacher.update(student, START)
    for name, theirs in student.fusion.state_dict().items():
        expected = 0.9 * before[name] + 0.1 * theirs
        torch.testing.assert_close(fusion.state_dict()[name], expected, rtol=0, atol=1e-12)
    assert shares(fusion) and shares(student.fusion)


def test_an_optimizer_moves_shared_weights_once(assembly: Assembly) -> None:
    fusion = assembly.pretrainer.student.fusion
    optimizer = AdamW(lr=Constant(value=0.1)).build(fusion.named_parameters())
    listed = [id(weight) for group in optimizer.param_groups for weight in group["params"]]
    assert len(listed) == len(set(listed)) == 4 * 26 - 2 * 4
    key = fusion.layers[0].cross_attention.key.weight
    before = key.detach().clone()
    for weight in fusion.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = 0.1
    optimizer.step()
    torch.testing.assert_close(before - key, 0.1 + 0.002 * before, rtol=0, atol=1e-6)
    assert shares(fusion)


def test_a_checkpoint_keeps_the_sharing(assembly: Assembly, tmp_path: Path) -> None:
    pretrainer = assembly.pretrainer
    saved = Checkpoints(tmp_path, 1).save(1, pretrainer, {}, {})
    wanted = {name: own.clone() for name, own in pretrainer.state_dict().items()}
    other = build().pretrainer.double()
    saved.load(other, torch.device("cpu"))
    assert all(torch.equal(own, wanted[name]) for name, own in other.state_dict().items())
    assert shares(other.student.fusion)


def test_a_run_starts_from_the_checkpoint_of_another(assembly: Assembly, tmp_path: Path) -> None:
    checkpoint = Checkpoints(tmp_path, 1).save(1, assembly.pretrainer, {}, {})
    kept = load_file(checkpoint.path / WEIGHTS)
    names = {f"student.{name}" for name in assembly.pretrainer.student.state_dict()}
    assert len(names - set(kept)) == 2 * 4  # a file has one name for a shared tensor
    other = build().pretrainer.double()
    ancestor = read_ancestor(tmp_path / "step_00000001")
    report = ancestor.begin(other.student, other.space, dict(other.objectives.items()))
    wanted = assembly.pretrainer.student.state_dict()
    assert all(torch.equal(own, wanted[name]) for name, own in other.student.state_dict().items())
    assert report.names("fresh") == [] and report.names("dropped") == []
    assert shares(other.student.fusion)


def test_a_run_starts_from_one_with_plain_cross_attention(tmp_path: Path) -> None:
    source = assemble(
        load_recipe(MICRO, sets=[f"model.fusion={{type: cross-attention, layers: 2, {LAYERS}}}"])
    ).pretrainer
    checkpoint = Checkpoints(tmp_path, 1).save(1, source, {}, {})
    other = build().pretrainer
    ancestor = read_ancestor(checkpoint.path)
    ancestor.begin(other.student, other.space, dict(other.objectives.items()))
    for number, layer in enumerate(other.student.fusion.layers):
        theirs = source.student.fusion.layers[number // 2].state_dict()
        assert all(torch.equal(own, theirs[name]) for name, own in layer.state_dict().items())


@pytest.mark.parametrize("images", [1, 2])
def test_statements_meet_their_pictures(images: int) -> None:
    edits = [
        "objectives={itc: null, itm: null, mlm: null, classification: {}}",
        f"model.fusion={{type: paired-cross-attention, images: {images}, layers: 1, {LAYERS}}}",
        f"data={{type: scene-statements, images: {images}, size: 32, train: 16}}",
    ]
    made = assemble(load_recipe(MICRO, sets=edits))
    batch = next(train_loader(made, Order(0, 16, 8)).batches())
    made.pretrainer.begin_step(START)
    step = made.pretrainer.step(batch, START)
    shown = step.pairs["classification"].image
    assert shown.reshape(8, -1).tolist() == torch.arange(8 * images).reshape(8, -1).tolist()
    choice = step.predictions["classification"]
    assert choice.logits.shape == (8, 2) and choice.advice is not None
    assert torch.equal(choice.answers, batch.fields["label"])
