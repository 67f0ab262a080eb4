"""Each tower by itself against the released code's own tokens, weights through the importer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from albefkit.interop.released import load_released
from tests.golden.cases import case_dirs, case_name, width_case_dirs
from tests.golden.released_run import released_state
from tests.interop.parts import MAIN, WIDTHS, Parts, width_state

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}
FLOAT64 = {"rtol": 1e-9, "atol": 1e-9}
main = pytest.mark.parametrize("case", case_dirs("pretrain"), ids=case_name)
widths = pytest.mark.parametrize("case", width_case_dirs("pretrain"), ids=case_name)


def look(parts: Parts, inputs: dict[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """What the towers say, each text fused with its own image."""
    student, rows = parts.student.eval(), torch.arange(len(inputs[f"{prefix}input_ids"]))
    dtype = student.image_projection.weight.dtype
    with torch.no_grad():
        image = student.vision(inputs[f"{prefix}image"].to(dtype))
        text = student.text(inputs[f"{prefix}input_ids"], inputs[f"{prefix}attention_mask"].bool())
        fused = student.fusion(image, text, rows, rows)
        return {
            "image": image.tokens,
            "text": text.tokens,
            "fused": fused.text_tokens,
            "pooled": fused.pooled,
            "image_features": student.image_features(image),
            "text_features": student.text_features(text),
        }


@main
def test_float64(case: Path, tmp_path: Path) -> None:
    parts = Parts(MAIN, tmp_path).double()
    load_released(parts, released_state(case))
    seen = look(parts, load_file(case / "inputs.safetensors"))
    expected = load_file(case / "out_a04_f64.safetensors")
    for ours, theirs in {
        "image": "image_embeds",
        "text": "text_embeds",
        "pooled": "fusion_pos_cls",
        "image_features": "image_feat",
        "text_features": "text_feat",
    }.items():
        torch.testing.assert_close(seen[ours], expected[theirs], **FLOAT64)


@main
@pytest.mark.parametrize("fused_kernel", [False, True])
def test_float32(case: Path, fused_kernel: bool, tmp_path: Path, monkeypatch) -> None:
    # The kernel for accelerators, which this machine would not choose, gives the same.
    monkeypatch.setattr("albefkit.layers.attention.fused_pays", lambda device=None: fused_kernel)
    parts = Parts(MAIN, tmp_path)
    load_released(parts, released_state(case))
    seen = look(parts, load_file(case / "inputs.safetensors"))
    expected = load_file(case / "out_a04.safetensors")
    for ours, theirs in {
        "image": "image_embeds",
        "text": "text_embeds",
        "pooled": "fusion_pos_cls",
    }.items():
        torch.testing.assert_close(seen[ours], expected[theirs], **FLOAT32)


@widths
def test_float64_with_unequal_widths(case: Path, tmp_path: Path) -> None:
    parts = Parts(WIDTHS, tmp_path).double()
    load_released(parts, width_state(case))
    seen = look(parts, load_file(case / "inputs.safetensors"), "step1.")
    expected = load_file(case / "expected_alpha04.safetensors")
    for ours, theirs in {
        "image": "visual_tokens",
        "text": "text_tokens",
        "fused": "fusion_tokens_pos",
        "image_features": "image_feat",
        "text_features": "text_feat",
    }.items():
        torch.testing.assert_close(seen[ours], expected[f"step1.{theirs}"], **FLOAT64)
