"""Released state dicts of all tasks come in and go out bit by bit (spec 13)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from albefkit.interop.layouts import layout_of
from albefkit.interop.released import from_released, to_released
from albefkit.interop.released_names import POSITION_IDS, twin
from tests.golden.cases import case_dirs, case_name, width_case_dirs
from tests.golden.released_run import FUSION_FROM, read, released_state

LAYOUTS = {
    "pretrain": "pretrain",
    "retrieval": "retrieval",
    "retrieval_eval": "retrieval",
    "grounding": "retrieval",
    "ve": "entailment",
    "vqa": "vqa",
    "pretrain_nlvr": "nlvr_assign",
    "nlvr": "nlvr",
}
WIDE_LAYOUTS = {
    "pretrain": "pretrain",
    "retrieval": "retrieval",
    "retrieval_eval": "retrieval",
    "visual_entailment": "entailment",
    "vqa": "vqa",
    "text_assignment": "nlvr_assign",
    "nlvr": "nlvr",
}
CASES = [(case, layout) for name, layout in LAYOUTS.items() for case in case_dirs(name)]
WIDE_CASES = [
    (case, layout)
    for name, layout in WIDE_LAYOUTS.items()
    for case in width_case_dirs(name)
    if (case / "weights.safetensors").is_file()
]


def there_and_back(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """The layout it is taken for, and the state dict that comes out."""
    ours = from_released(state)
    layout = layout_of(ours)
    assert layout is not None
    return layout.name, to_released(ours, layout=layout, fusion_from=FUSION_FROM)


def bit_equal(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize(("case", "layout"), CASES, ids=[case_name(case) for case, _ in CASES])
def test_there_and_back_loses_nothing(case: Path, layout: str) -> None:
    state = released_state(case)
    name, back = there_and_back(state)
    assert name == layout
    bit_equal(back, state)


@pytest.mark.parametrize(
    ("case", "layout"), WIDE_CASES, ids=[case_name(case) for case, _ in WIDE_CASES]
)
def test_there_and_back_where_every_width_differs(case: Path, layout: str) -> None:
    state = read(case, "weights")
    name, back = there_and_back(state)
    assert name == layout
    # These files were written without the numbers of positions.
    written = {name: back[name] for name in back if twin(name).name not in POSITION_IDS}
    bit_equal(written, state)
