"""The contract of image encoders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from albefkit.tensors import Encoded
from albefkit.testing import modules
from albefkit.testing.comparing import expect_same, shape
from albefkit.testing.contract import DoesNotApply, contract, expect
from albefkit.testing.modules import Inputs, ModuleTrial
from albefkit.vision.base import VisionEncoder

READ = "albefkit.vision.base:VisionEncoder"


@dataclass(frozen=True)
class VisionTrial(ModuleTrial):
    """An image encoder on trial, shown what it reads of a batch."""

    place = "model.vision"
    company = {"objectives": {"itc": {}}}  # noqa: RUF012

    def make(self, seed: int = 1) -> nn.Module:
        """The encoder as it starts."""
        return self.build(seed)

    @cached_property
    def inputs(self) -> Inputs:
        """The fields it reads; where a mask is among them, the last place of some rows is empty."""
        reads = self.cls.reads  # type: ignore[attr-defined]
        fields: list[Tensor] = [self.batch.read(name) for name in reads]
        return [_with_room(each) if each.dtype == torch.bool else each for each in fields]

    def encode(self, module: Any, inputs: Inputs) -> Encoded:
        """The inputs as tokens."""
        return module(*inputs)

    def run(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """Real tokens and the summaries of rows."""
        return encoded(self.encode(module, inputs))


def encoded(found: Encoded) -> dict[str, Tensor]:
    """An encoder's answer, part by part; nothing where a token is not real."""
    tokens = found.tokens
    if found.mask is not None:
        tokens = tokens.masked_fill(~found.mask[..., None], 0.0)
    return {"tokens": tokens, "pooled": found.pooled}


def expect_encoded(found: Encoded, rows: int, width: int) -> None:
    """Whether tokens, mask and summaries have the shapes that everybody relies on."""
    tokens, mask, pooled = found.tokens, found.mask, found.pooled
    right = tokens.dim() == 3 and (len(tokens), tokens.shape[-1]) == (rows, width)
    expect(right, f"tokens are {shape(tokens)}, not ({rows}, N, {width}): width is {width}")
    expect(pooled.shape == (rows, width), f"pooled is {shape(pooled)}, not ({rows}, {width})")
    if mask is not None:
        right = mask.dtype == torch.bool and mask.shape == tokens.shape[:2]
        expect(right, f"mask is {shape(mask)} {mask.dtype}, not {shape(tokens[..., 0])} bool")
    finite = tokens.isfinite().all() and pooled.isfinite().all()
    expect(bool(finite), "there are numbers that are not finite")


@contract(READ)
def shapes_are_as_declared(trial: VisionTrial) -> None:
    """An encoder gives tokens (R, N, width), a bool mask (R, N) or None and a summary (R, width);
    its grid and prefix tokens are all its tokens.
    """
    module = trial.module()
    assert isinstance(module, VisionEncoder)
    found = trial.encode(module, trial.inputs)
    expect_encoded(found, trial.rows, module.width)
    if module.grid is not None:
        cells = module.grid[0] * module.grid[1] + module.prefix_tokens
        count = found.tokens.shape[1]
        said = f"a grid of {module.grid} and {module.prefix_tokens} prefix tokens"
        expect(cells == count, f"there are {count} tokens, and {said}")
    size = trial.batch.images.shape[-1]
    expect(module.image_size == size, f"image_size is {module.image_size}, images have {size}")


@contract(READ)
def padding_changes_nothing(trial: VisionTrial) -> None:
    """What stands in places that the mask calls empty changes neither real tokens nor summaries."""
    module, inputs = trial.module(), trial.inputs
    with torch.no_grad():
        before = trial.encode(module, inputs)
        if before.mask is None or before.mask.all():
            raise DoesNotApply("all tokens of this encoder are real")
        empty = ~before.mask
        filled = [_filled(each, empty) for each in inputs]
        after = trial.encode(module, filled)
    expect_same(encoded(before), encoded(after), "after padding was filled with something else")


CONTRACTS = (shapes_are_as_declared, padding_changes_nothing, *modules.CONTRACTS)


def _with_room(mask: Tensor) -> Tensor:
    mask = mask.clone()
    mask[:, 0] = True
    mask[1::2, -1] = False
    return mask


def _filled(each: Tensor | None, empty: Tensor) -> Tensor | None:
    if each is None or not each.is_floating_point() or each.shape[:2] != empty.shape:
        return each
    return torch.where(empty.view(*empty.shape, *[1] * (each.dim() - 2)), 3.0, each)
