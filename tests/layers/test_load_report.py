"""What became of each tensor is accounted for."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from albefkit.layers.load_report import LoadReport, TensorFate
from albefkit.layers.loading import load_tensors
from albefkit.registry.errors import ComponentError


def module() -> nn.Module:
    return nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.LayerNorm(3), "c": nn.Embedding(4, 3)})


def tensors() -> dict[str, torch.Tensor]:
    return {
        "a.weight": torch.full((3, 2), 5.0),
        "a.bias": torch.full((3,), 6.0),
        "b.weight": torch.full((3,), 7.0),
        "c.weight": torch.full((2, 3), 8.0),
        "d.weight": torch.zeros(1, 2),
    }


def widen(name: str, theirs: torch.Tensor, ours: torch.Tensor) -> torch.Tensor | None:
    return theirs.repeat(2, 1) if name == "c.weight" else None


def test_every_fate() -> None:
    ours = module()
    report = load_tensors(ours, tensors(), source="there", renamed={"b.weight": "gamma"}, fit=widen)
    assert report.tensors == {
        "a.weight": TensorFate("loaded"),
        "a.bias": TensorFate("loaded"),
        "b.weight": TensorFate("renamed", "gamma"),
        "b.bias": TensorFate("fresh", "not in the checkpoint"),
        "c.weight": TensorFate("interpolated", "(2, 3) there, (4, 3) here"),
        "d.weight": TensorFate("dropped", "1x2"),
    }
    assert [p.flatten()[0].item() for p in ours.parameters()] == [5, 6, 7, 0, 8]
    assert all(p.requires_grad for p in ours.parameters())


def test_a_backbone_that_was_not_loaded_is_an_error_by_default() -> None:
    ours = module()
    report = load_tensors(ours, tensors(), source="there")
    with pytest.raises(ComponentError) as caught:
        report.require(ours.state_dict())
    assert str(caught.value) == (
        "2 tensors of the backbone are not in there:\n"
        "  b.bias  (not in the checkpoint)\n"
        "  c.weight  ((2, 3) there, (4, 3) here)\n"
        "Take weights of the same shape, or say 'pretrained: false' to start at random."
    )
    assert report.require(["a.weight"]) is report
    assert report.require(ours.state_dict(), allowed=["b.", "c."]) is report


def test_many_missing_are_counted() -> None:
    report = LoadReport(source="there")
    with pytest.raises(ComponentError, match="and 3 more"):
        report.require(f"layer.{n}" for n in range(8))


def test_random_weights_require_nothing() -> None:
    report = LoadReport(reason="the hub is far away")
    assert report.require(["a.weight"]).summary() == "random weights: the hub is far away"
    assert not report.pretrained
    assert LoadReport().summary() == "random weights"


def test_the_summary_counts_and_names() -> None:
    report = load_tensors(module(), tensors(), source="there", fit=widen)
    assert report.summary() == (
        "there: 3 loaded, 1 interpolated, 1 fresh, 1 dropped\n"
        "  interpolated c.weight ((2, 3) there, (4, 3) here)\n"
        "  fresh b.bias (not in the checkpoint)\n"
        "  dropped d.weight (1x2)"
    )


def test_a_manifest_can_hold_it() -> None:
    report = load_tensors(module(), tensors(), source="there", fit=widen)
    content = report.as_dict()
    assert json.loads(json.dumps(content)) == content
    assert content["pretrained"] is True and content["loaded"] == 3
    assert content["dropped"] == {"d.weight": "1x2"}
    assert "renamed" not in content
