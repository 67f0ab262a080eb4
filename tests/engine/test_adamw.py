"""AdamW through its public door."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from albefkit.distill.constant import Constant
from albefkit.distill.staircase import Staircase
from albefkit.engine.adamw import AdamW, is_table
from albefkit.progress import Progress


def recipe(**options):
    return AdamW(lr=Constant(value=0.1), **options)


def test_frozen_weights_are_left_out():
    model = nn.Linear(3, 2)
    model.bias.requires_grad_(False)
    optimizer = recipe().build(model.named_parameters())
    assert [group["param_names"] for group in optimizer.param_groups] == [["weight"]]


def test_a_step_moves_the_weights_by_the_rate_in_force():
    model = nn.Linear(3, 2, bias=False)
    schedule = recipe(weight_decay=0.0)
    optimizer = schedule.build(model.named_parameters())
    before = model.weight.detach().clone()
    assert schedule.prepare(optimizer, Progress(0, 1, 1)) == 0.1
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    assert torch.allclose(model.weight, before - 0.1)


def test_the_temperature_may_be_a_scalar_beside_matrices():
    names = [("space.temperature", nn.Parameter(torch.tensor(0.07)))]
    (group,) = recipe().build(names).param_groups
    assert group["weight_decay"] == 0.0
    (group,) = recipe(decay_temperature=True).build(names).param_groups
    assert group["weight_decay"] == 0.02


@pytest.mark.parametrize(
    "name",
    [
        "student.vision.model.pos_embed",
        "student.vision.model.cls_token",
        "student.vision.model.reg_token",
        "student.text.word_embeddings.weight",
        "student.vision.tower.positional_embedding",
        "student.vision.tower.class_embedding",
        "student.text.positions.weight",
    ],
)
def test_tables(name):
    assert is_table(name)


@pytest.mark.parametrize(
    "name",
    [
        "student.vision.model.patch_embed.proj.weight",
        "student.vision.model.blocks.0.attn.qkv.weight",
        "student.vision.tower.in_proj_weight",
        "student.text.embeddings_project.weight",
        "weight",
    ],
)
def test_matrices(name):
    assert not is_table(name)


def test_caveats_come_from_the_schedule():
    optimizer = AdamW(lr=Staircase(peak=1e-4))
    (caveat,) = optimizer.caveats(Progress(0, 10, 2))
    assert caveat.startswith("optimizer.lr: the warm-up takes 2000 steps")
    assert recipe().caveats(Progress(0, 10, 2)) == []


@pytest.mark.parametrize("options", [{"weight_decay": -1.0}, {"betas": (0.9, 1.0)}, {"eps": 0.0}])
def test_numbers_are_checked(options):
    with pytest.raises(ValueError, match="expected"):
        recipe(**options)
