"""Recalls of the released evaluation, from its own score matrices (spec 3.1)."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from albefkit.evaluation.recall import mean_recall, ranks, recalls
from tests.golden.cases import case_dirs, case_name


@pytest.mark.parametrize("case", case_dirs("retrieval_eval"), ids=case_name)
def test_recalls_of_recorded_scores(case):
    scores = load_file(case / "metric_inputs.safetensors")
    meta = json.loads((case / "meta.json").read_text())["metric_case"]
    right = torch.eye(30, dtype=torch.bool).repeat_interleave(2, dim=1)  # image i: texts 2i, 2i+1
    found = recalls(ranks(scores["scores_i2t"], right), "text")
    found |= recalls(ranks(scores["scores_t2i"], right.T), "image")
    expected = meta["metrics"]
    assert found == pytest.approx(
        {
            f"{way}_r{cut}": expected[
                f"{way.replace('text', 'txt').replace('image', 'img')}_r{cut}"
            ]
            for way in ("text", "image")
            for cut in (1, 5, 10)
        }
    )
    assert mean_recall(found) == pytest.approx(expected["r_mean"])
