"""Which weights decay, in the released code and in a sound recipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from albefkit.distill.constant import Constant
from albefkit.engine.adamw import AdamW
from tests.golden.cases import case_dirs

COPY = Path(__file__).parent / "data" / "optimizer_groups.json"
CASES = [case for case in case_dirs("pretrain") if (case / "meta.json").is_file()] or [COPY]

RELEASED = AdamW(lr=Constant(value=1e-4), decay_temperature=True, decay_tables=True)


def released_weights(case: Path) -> dict[str, tuple[list[int], float]]:
    """Name -> shape and weight decay."""
    if case == COPY:
        rows = json.loads(COPY.read_text())
        return {name: (row["shape"], row["weight_decay"]) for name, row in rows.items()}
    shapes = json.loads((case / "state.json").read_text())
    groups = json.loads((case / "meta.json").read_text())["optimizer_groups"]
    return {
        name: (shapes[name]["shape"], group["weight_decay"])
        for group in groups
        for name in group["names"]
    }


def parameters(case: Path) -> list[tuple[str, nn.Parameter]]:
    return [
        (name, nn.Parameter(torch.zeros(shape)))
        for name, (shape, _) in released_weights(case).items()
    ]


def decay_by_name(recipe: AdamW, case: Path) -> dict[str, float]:
    optimizer = recipe.build(parameters(case))
    return {
        name: group["weight_decay"]
        for group in optimizer.param_groups
        for name in group["param_names"]
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_released_groups(case):
    expected = {name: decay for name, (_, decay) in released_weights(case).items()}
    assert decay_by_name(RELEASED, case) == expected
    assert expected["temp"] == 0.02


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_sound_groups_spare_temperature_and_tables(case):
    sound = decay_by_name(AdamW(lr=Constant(value=1e-4)), case)
    released = decay_by_name(RELEASED, case)
    assert {name for name in sound if sound[name] != released[name]} == {
        "temp",
        "visual_encoder.cls_token",
        "visual_encoder.pos_embed",
        "text_encoder.bert.embeddings.word_embeddings.weight",
        "text_encoder.bert.embeddings.position_embeddings.weight",
        "text_encoder.bert.embeddings.token_type_embeddings.weight",
    }
