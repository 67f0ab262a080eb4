"""What one step of a recipe costs, found by taking a small one."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from albefkit.assemble import Assembly
from albefkit.data.sampler import Order
from albefkit.engine.precision import Precision
from albefkit.engine.pretrainer import Pretrainer
from albefkit.engine.step import Step
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.tensors import Batch

REHEARSED_ROWS = 4
"""Rows of the rehearsed batch: enough for every kind of negative, small enough for a laptop."""


@dataclass(frozen=True)
class Cost:
    """What a part costs in one step.

    Args:
        trainable: parameters that learn.
        frozen: parameters that do not.
        rows: who asked -> rows, for the recipe's batch.
        flops: floating-point operations per sample on the way forward.
    """

    trainable: int
    frozen: int
    rows: dict[str, int]
    flops: float


@dataclass(frozen=True)
class Rehearsal:
    """What a step costs.

    Args:
        parts: by dotted name (`student.vision`, `teacher.fusion`, `student.heads.mlm`).
        flops_per_sample: forward and backward, all parts and what lies between them.
        step_seconds: estimate for the recipe's batch, scaled from the rehearsed one.
        bytes_fixed: weights, gradients, optimizer states, buffers.
        bytes_activations: estimate for the recipe's batch, scaled from the rehearsed one.
        rehearsed: rows of the rehearsed batch.
        batch_size: rows of the recipe's batch.
        precision: which numbers were computed with.
    """

    parts: dict[str, Cost]
    flops_per_sample: float
    step_seconds: float
    bytes_fixed: int
    bytes_activations: int
    rehearsed: int
    batch_size: int
    precision: str


def rehearse(assembly: Assembly, precision: Precision, batch_size: int) -> Rehearsal:
    """Take steps with a small batch and scale what they cost to `batch_size`.

    Nothing is learnt: weights, keys and statistics are afterwards what they were.

    Args:
        assembly: the parts, on the device of `precision`.
        precision: which numbers to compute with.
        batch_size: the recipe's batch.
    """
    pretrainer = assembly.pretrainer.train()
    batch = _first_pairs(assembly).to(precision.device)
    progress = Progress(step=0, steps_per_epoch=1, epochs=1)
    scale = batch_size / len(batch)
    saved, counter = _SavedBytes(pretrainer), FlopCounterMode(display=False)
    kept = copy.deepcopy(pretrainer.space.state_dict())
    statistics = [(buffer, buffer.clone()) for buffer in pretrainer.student.buffers()]
    with counter, torch.autograd.graph.saved_tensors_hooks(saved.pack, lambda tensor: tensor):
        with precision.autocast():
            loss = pretrainer(batch, progress).loss
        forward = _counted(counter)  # now: on the way back the counter loses track of the parts
        loss.backward()
    pretrainer.space.load_state_dict(kept)
    started = time.perf_counter()
    with precision.autocast():
        step = pretrainer.step(batch, progress)
        losses = [prediction.loss() for prediction in step.predictions.values()]
    torch.stack(losses).sum().backward()
    if precision.device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    pretrainer.zero_grad(set_to_none=True)
    for buffer, before in statistics:  # batch normalisation learns in passing
        buffer.copy_(before)
    return Rehearsal(
        parts=_parts(pretrainer, step, forward, batch, scale),
        flops_per_sample=_counted(counter).get("Global", 0) / len(batch),
        step_seconds=seconds * scale,
        bytes_fixed=_fixed_bytes(pretrainer),
        bytes_activations=int(saved.total * scale),
        rehearsed=len(batch),
        batch_size=batch_size,
        precision=precision.name,
    )


def _counted(counter: FlopCounterMode) -> dict[str, int]:
    return {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}


def _first_pairs(assembly: Assembly) -> Batch:
    """A few training pairs, as training would see them."""
    split, settings = assembly.dataset.split("train"), assembly.recipe.settings
    rows = min(REHEARSED_ROWS, settings.train.batch_size, len(split))
    order = Order(settings.train.seed, len(split), rows)
    return next(train_loader(assembly, order).batches())


def _parts(
    pretrainer: Pretrainer, step: Step, forward: dict[str, int], batch: Batch, scale: float
) -> dict[str, Cost]:
    modules: dict[str, nn.Module] = {}
    for who, network in (("student", pretrainer.student), ("teacher", pretrainer.teacher.network)):
        for name, module in network.named_children():
            if name != "heads":
                modules[f"{who}.{name}"] = module
        modules |= {f"{who}.heads.{name}": head for name, head in network.heads.items()}
    passes = {"student": step.student.account(), "teacher": step.teacher.account()}
    asked = {"vision": "images", "text": "texts", "fusion": "fused"}
    costs = {}
    for path, module in modules.items():
        who, _, part = path.partition(".")
        rows = passes[who].get(asked.get(part, ""), {})
        sizes = [(p.numel(), p.requires_grad) for p in module.parameters()]
        costs[path] = Cost(
            trainable=sum(size for size, learns in sizes if learns),
            frozen=sum(size for size, learns in sizes if not learns),
            rows={name: round(count * scale) for name, count in rows.items()},
            flops=forward.get(_counted_as(path), 0) / len(batch),
        )
    return costs


def _counted_as(path: str) -> str:
    """A part's name in the counter, which names modules by their place below the root."""
    return "Pretrainer." + path.replace("teacher.", "teacher.network.")


def _fixed_bytes(pretrainer: Pretrainer) -> int:
    """Weights, and for those that learn a gradient and AdamW's two averages."""
    total = sum(buffer.numel() * buffer.element_size() for buffer in pretrainer.buffers())
    for parameter in pretrainer.parameters():
        copies = 4 if parameter.requires_grad else 1
        total += copies * parameter.numel() * parameter.element_size()
    return total


class _SavedBytes:
    """Counts what autograd keeps for the backward pass, each storage once, weights apart."""

    def __init__(self, pretrainer: Pretrainer) -> None:
        tensors = [*pretrainer.parameters(), *pretrainer.buffers()]
        self._known = {tensor.untyped_storage().data_ptr() for tensor in tensors}
        self.total = 0

    def pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._known:
            self._known.add(storage.data_ptr())
            self.total += storage.nbytes()
        return tensor
