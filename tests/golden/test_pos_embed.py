"""Position embeddings at another size against the released code's own output: exact."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from albefkit.layers.positions import interpolate_positions
from tests.golden.cases import case_dirs, case_name


@pytest.mark.parametrize("folder", case_dirs("pos_embed"), ids=case_name)
def test_interpolation_equals_the_released_code(folder: Path) -> None:
    tensors = load_file(folder / "data.safetensors")
    sizes = [name.removeprefix("in_") for name in tensors if name.startswith("in_")]
    assert sizes
    for size in sizes:
        rows, columns = map(int, re.findall(r"(\d+)x(\d+)$", size)[0])
        resized = interpolate_positions(tensors[f"in_{size}"], (rows, columns), prefix_tokens=1)
        assert torch.equal(resized, tensors[f"out_{size}"]), size
