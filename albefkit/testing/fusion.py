"""The contract of fusion encoders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from albefkit.fusion.base import Fusion
from albefkit.tensors import Encoded, Fused
from albefkit.testing import modules
from albefkit.testing.comparing import expect_same, shape
from albefkit.testing.contract import contract, expect
from albefkit.testing.modules import Inputs, ModuleTrial, summed
from albefkit.testing.watching import random_state
from albefkit.text.tokenizer import Corpus

READ = "albefkit.fusion.base:Fusion"
TABLES = slice(0, 6)
"""Of the inputs: tokens, mask and summaries of images, then of texts."""
IMAGE, TEXT = 6, 7
"""Of the inputs: the two index vectors."""
IMAGES, TEXTS, PAIRS = 3, 4, 5


@dataclass(frozen=True)
class FusionTrial(ModuleTrial):
    """A fusion on trial, shown pairs in which images and texts repeat."""

    place = "model.fusion"
    company = {"objectives": {"itm": {"negatives": "random"}}}  # noqa: RUF012

    @cached_property
    def neighbours(self) -> dict[str, Any]:
        """The encoders that the recipe has."""
        model = self.recipe.settings.model
        assert model.vision is not None and model.text is not None
        corpus = Corpus(lambda: ["a red circle", "a red circle"])
        return {
            "vision": model.vision.build({}),
            "text": model.text.build({"corpus": corpus}),
        }

    def make(self, seed: int = 1) -> nn.Module:
        """The fusion as it starts."""
        return self.build(seed, **self.neighbours)

    @cached_property
    def inputs(self) -> Inputs:
        """Two tables with masks, and the pairs; the first pair is (0, 0) whoever pairs."""
        random = torch.Generator().manual_seed(0)
        fusion = self.make()
        assert isinstance(fusion, Fusion)
        image = _table(IMAGES, 5, self.neighbours["vision"].width, random)
        text = _table(TEXTS, 6, self.neighbours["text"].width, random)
        rows = torch.tensor([0, 1, 1, 2, 0])
        several = torch.stack([(rows + n) % IMAGES for n in range(fusion.images)], 1)
        return [
            *image,
            *text,
            several if fusion.images > 1 else rows,
            torch.tensor([0, 1, 2, 3, 1]),
        ]

    def fuse(self, module: Any, inputs: Inputs) -> Fused:
        """The pairs as the fusion sees them."""
        image, text = (Encoded(*inputs[start : start + 3]) for start in (0, 3))  # type: ignore[arg-type]
        return module(image, text, inputs[IMAGE], inputs[TEXT])

    def run(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """Real tokens and the summaries of pairs."""
        found = self.fuse(module, inputs)
        image_mask, text_mask, image_index, text_index = (inputs[n] for n in (1, 4, IMAGE, TEXT))
        assert image_index is not None and text_index is not None
        outputs = {"text tokens": _real(found.text_tokens, text_mask, text_index)}
        if found.image_tokens is not None:
            outputs["image tokens"] = _real(found.image_tokens, image_mask, image_index)
        return outputs | {"pooled": found.pooled}

    def one(self, inputs: Inputs, row: int) -> Inputs:
        """The same tables, and one pair."""
        pair = [None if each is None else each[row : row + 1] for each in inputs[IMAGE:]]
        return [*inputs[TABLES], *pair]

    def half(self, inputs: Inputs) -> Inputs:
        """Tables as encoders give them under autocast."""
        return [e.bfloat16() if e is not None and e.is_floating_point() else e for e in inputs]


@contract(READ)
def shapes_are_as_declared(trial: FusionTrial) -> None:
    """P pairs come out as text tokens (P, L, width), image tokens (P, N, width) or None and a
    summary (P, pooled_width).
    """
    module = trial.module()
    assert isinstance(module, Fusion)
    found = trial.fuse(module, trial.inputs)
    text = trial.inputs[3]
    assert text is not None
    expected = (PAIRS, text.shape[1], module.width)
    expect(
        found.text_tokens.shape == expected,
        f"text tokens are {shape(found.text_tokens)}, not {expected}",
    )
    expected = (PAIRS, module.pooled_width)
    expect(found.pooled.shape == expected, f"pooled is {shape(found.pooled)}, not {expected}")
    if found.image_tokens is not None:
        wide = (len(found.image_tokens), found.image_tokens.shape[-1]) == (PAIRS, module.width)
        expect(
            wide, f"image tokens are {shape(found.image_tokens)}, not ({PAIRS}, N, {module.width})"
        )
    outputs = trial.run(module, trial.inputs)
    wrong = [name for name, each in outputs.items() if not each.isfinite().all()]
    expect(not wrong, f"{', '.join(wrong)} are not finite")


@contract(READ)
def padding_changes_nothing(trial: FusionTrial) -> None:
    """What stands in places that a mask calls empty, of an image or of a text, changes no pair."""
    module, inputs = trial.module(), list(trial.inputs)
    with torch.no_grad():
        before = trial.run(module, inputs)
        for what, place in (("image", 0), ("text", 3)):
            tokens, mask = inputs[place], inputs[place + 1]
            assert tokens is not None and mask is not None
            filled = [*inputs]
            filled[place] = torch.where(mask[..., None], tokens, 3.0)
            expect_same(before, trial.run(module, filled), f"after {what} padding was filled")


@contract(READ)
def no_mask_means_all_are_real(trial: FusionTrial) -> None:
    """A table without a mask is one whose tokens are all real."""
    module, inputs = trial.module(), [*trial.inputs]
    full, none = [*inputs], [*inputs]
    for place in (1, 4):
        mask = inputs[place]
        assert mask is not None
        full[place], none[place] = torch.ones_like(mask), None
    with torch.no_grad():
        expect_same(trial.run(module, full), trial.run(module, none), "without masks")


@contract(READ)
def repeated_rows_are_gathered_rows(trial: FusionTrial) -> None:
    """Pairs are indices: a row that is named twice is the same as two rows that are equal."""
    module, inputs = trial.module(), trial.inputs
    image_index, text_index = inputs[IMAGE], inputs[TEXT]
    assert image_index is not None and text_index is not None
    indices = (image_index.flatten(),) * 3 + (text_index,) * 3
    gathered = [
        None if each is None else each[rows]
        for each, rows in zip(inputs[TABLES], indices, strict=True)
    ]
    own = torch.arange(image_index.numel()).view_as(image_index)
    with torch.no_grad():
        expected = trial.run(module, inputs)
        found = trial.run(module, [*gathered, own, torch.arange(PAIRS)])
    expect_same(expected, found, "when each pair has rows of its own")


@contract(READ)
def pairs_come_in_the_order_given(trial: FusionTrial) -> None:
    """Pairs given in another order come out in that order."""
    module, inputs = trial.module(), trial.inputs
    order = torch.tensor([3, 0, 4, 2, 1])
    moved = [None if each is None else each[order] for each in inputs[IMAGE:]]
    with torch.no_grad():
        expected = {name: each[order] for name, each in trial.run(module, inputs).items()}
        found = trial.run(module, [*inputs[TABLES], *moved])
    expect_same(expected, found, "when they are given in another order")


@contract(READ)
def pairs_do_not_influence_each_other(trial: FusionTrial) -> None:
    """Many objectives share one call: other pairs change nothing about a pair, nor in training."""
    for training, mode in ((False, "evaluation"), (True, "training")):
        module = trial.module(training=training)
        found = []
        for inputs in (trial.inputs, _others_changed(trial.inputs)):
            with random_state(3), torch.no_grad():
                first = trial.run(module, inputs)
            found.append({name: each[:1] for name, each in first.items()})
        expect_same(
            found[0], found[1], f"of the first pair when the others change (in {mode} mode)"
        )


@contract(READ)
def both_sides_get_a_gradient(trial: FusionTrial) -> None:
    """The gradient of a pair reaches the tokens of its image and of its text, and no others."""
    inputs = [
        e.clone().requires_grad_() if e is not None and e.is_floating_point() else e
        for e in trial.inputs
    ]
    last = trial.one(inputs, 0)
    summed(trial.run(trial.module(), last)).backward()
    used = trial.inputs[IMAGE]
    assert used is not None
    for what, table, rows in (("image", inputs[0], used[0].reshape(-1)), ("text", inputs[3], [0])):
        assert table is not None
        expect(table.grad is not None, f"no gradient reaches {what} tokens")
        assert table.grad is not None
        reached = table.grad.abs().sum((1, 2)) > 0
        expected = torch.zeros(len(table), dtype=torch.bool)
        expected[rows] = True
        said = f"it reaches {what} rows {reached.nonzero()[:, 0].tolist()}"
        expect(
            torch.equal(reached, expected),
            f"{said}, and the pair has {expected.nonzero()[:, 0].tolist()}",
        )


CONTRACTS = (
    shapes_are_as_declared,
    padding_changes_nothing,
    no_mask_means_all_are_real,
    repeated_rows_are_gathered_rows,
    pairs_come_in_the_order_given,
    pairs_do_not_influence_each_other,
    both_sides_get_a_gradient,
    *modules.CONTRACTS,
)


def _table(rows: int, tokens: int, width: int, random: torch.Generator) -> list[Tensor]:
    """Tokens, mask and summaries; every row but the first ends in padding."""
    values = torch.randn(rows, tokens, width, generator=random)
    mask = torch.arange(tokens) < (tokens - torch.arange(rows) % 3)[:, None]
    return [values, mask, values[:, 0].clone()]


def _real(tokens: Tensor, mask: Tensor | None, index: Tensor) -> Tensor:
    if mask is None or index.dim() > 1:
        return tokens
    return tokens.masked_fill(~mask[index][..., None], 0.0)


def _others_changed(inputs: Inputs) -> Inputs:
    """The same first pair; other rows of the tables, and other partners for the other pairs."""
    pairs = inputs[IMAGE]
    assert pairs is not None
    changed = list(inputs)
    for place, own in ((0, pairs[0]), (3, torch.tensor(0))):
        for part in (place, place + 2):
            table = inputs[part]
            assert table is not None
            rows = torch.arange(len(table))[:, None]
            others = ~(rows == own.reshape(-1)).any(1)
            changed[part] = table + 2.0 * others.view(-1, *[1] * (table.dim() - 1))
    for place in (IMAGE, TEXT):
        index = inputs[place]
        assert index is not None
        changed[place] = torch.cat([index[:1], index[1:].flip(0)])
    return changed
