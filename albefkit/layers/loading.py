"""Putting the tensors of a checkpoint into a module, with an account of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from albefkit.layers.load_report import LoadReport, TensorFate

Fit = Callable[[str, Tensor, Tensor], Tensor | None]
"""Gives a tensor of a checkpoint the shape of the module's, or None: `(name, theirs, ours)`."""


def load_tensors(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    *,
    source: str,
    renamed: Mapping[str, str] | None = None,
    fit: Fit | None = None,
) -> LoadReport:
    """Copy tensors into a module's parameters and buffers by name.

    Args:
        module: takes them.
        tensors: by name in the module; names it does not have are dropped.
        source: where they came from, for the report.
        renamed: name in the module -> name in the checkpoint, where they differ.
        fit: asked where shapes differ; without it, or if it gives None, ours stays fresh.
    """
    report = LoadReport(source=source)
    renamed = renamed or {}
    state = module.state_dict(keep_vars=True)
    with torch.no_grad():
        for name, ours in state.items():
            report.tensors[name] = _copy(name, ours, tensors.get(name), renamed, fit)
    for name, theirs in tensors.items():
        if name not in state:
            shape = "x".join(map(str, theirs.shape))
            report.tensors[renamed.get(name, name)] = TensorFate("dropped", shape)
    return report


def _copy(
    name: str, ours: Tensor, theirs: Tensor | None, renamed: Mapping[str, str], fit: Fit | None
) -> TensorFate:
    if theirs is None:
        return TensorFate("fresh", "not in the checkpoint")
    shapes = f"{tuple(theirs.shape)} there, {tuple(ours.shape)} here"
    if theirs.shape != ours.shape:
        fitted = fit(name, theirs, ours) if fit else None
        if fitted is None:
            return TensorFate("fresh", shapes)
        ours.copy_(fitted)
        return TensorFate("interpolated", shapes)
    ours.copy_(theirs)
    if name in renamed:
        return TensorFate("renamed", renamed[name])
    return TensorFate("loaded")
