"""What a step costs, found by taking a small one."""

import copy

import pytest
import torch

from albefkit.assemble import assemble
from albefkit.engine.precision import Precision
from albefkit.explain.rehearsal import rehearse
from albefkit.recipe.load import load_recipe

FP32 = Precision("fp32", torch.device("cpu"))
SMALL = ["data.train=64", "data.val=4", "data.test=4", "train.batch_size=16"]


@pytest.fixture(scope="module")
def assembly():
    return assemble(load_recipe("albef_tiny", sets=SMALL))


def test_rows_say_who_asked(assembly):
    parts = rehearse(assembly, FP32, 16).parts
    assert parts["student.vision"].rows == {"batch": 16}
    assert parts["student.text"].rows == {"text": 16, "mlm": 16}
    assert parts["student.fusion"].rows == {"itm": 48, "mlm": 16}
    assert parts["teacher.fusion"].rows == {"mlm": 16}


def test_teachers_are_frozen_and_have_no_itm_head(assembly):
    parts = rehearse(assembly, FP32, 16).parts
    assert all(cost.trainable == 0 for name, cost in parts.items() if name.startswith("teacher"))
    assert all(cost.frozen == 0 for name, cost in parts.items() if name.startswith("student"))
    assert "student.heads.itm" in parts and "teacher.heads.itm" not in parts


def test_operations_of_a_linear_map_are_known(assembly):
    cost = rehearse(assembly, FP32, 16).parts["student.image_projection"]
    projection = assembly.pretrainer.student.image_projection
    assert cost.flops == 2 * projection.in_features * projection.out_features


def test_rehearsing_teaches_nothing(assembly):
    before = copy.deepcopy(assembly.pretrainer.state_dict())
    rehearsal = rehearse(assembly, FP32, 16)
    after = assembly.pretrainer.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in assembly.pretrainer.parameters())
    assert rehearsal.bytes_activations > 0 and rehearsal.step_seconds > 0
