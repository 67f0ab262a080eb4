"""The contract of text encoders."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.testing import modules
from albefkit.testing.comparing import expect_same, shape
from albefkit.testing.contract import contract, expect
from albefkit.testing.modules import Inputs, ModuleTrial
from albefkit.testing.vision import encoded, expect_encoded
from albefkit.text.base import TextEncoder
from albefkit.text.tokenizer import Corpus

READ = "albefkit.text.base:TextEncoder"
SENTENCES = ("a red circle", "two small blue squares above a large green star", "a ring", "red")


@dataclass(frozen=True)
class TextTrial(ModuleTrial):
    """A text encoder on trial, shown sentences of different lengths."""

    place = "model.text"
    company = {"objectives": {"itc": {}}}  # noqa: RUF012

    def make(self, seed: int = 1) -> nn.Module:
        """The encoder as it starts, its tokenizer trained on the sentences where it trains one."""
        return self.build(seed, corpus=Corpus(lambda: SENTENCES * 2))

    @cached_property
    def inputs(self) -> Inputs:
        """Ids and mask."""
        encoder = self.make()
        assert isinstance(encoder, TextEncoder)
        view = encoder.tokenizer.encode(SENTENCES, encoder.max_tokens)
        return [view.ids, view.mask]

    def run(self, module: Any, inputs: Inputs) -> dict[str, Tensor]:
        """Real tokens and the summaries of rows."""
        return encoded(module(*inputs))


@contract(READ)
def shapes_are_as_declared(trial: TextTrial) -> None:
    """An encoder gives tokens (R, L, width), the mask it was given and a summary (R, width)."""
    module: Any = trial.module()
    ids, mask = trial.inputs
    assert ids is not None and mask is not None
    found = module(ids, mask)
    expect_encoded(found, len(ids), module.width)
    expect(found.tokens.shape[1] == ids.shape[1], f"of {shape(ids)} ids came {shape(found.tokens)}")
    same = found.mask is not None and torch.equal(found.mask, mask)
    expect(same, "the mask that comes out is not the one that went in")


@contract(READ)
def padding_changes_nothing(trial: TextTrial) -> None:
    """Neither more padding nor what stands in it changes real tokens or summaries."""
    module: Any = trial.module()
    ids, mask = trial.inputs
    assert ids is not None and mask is not None
    length = ids.shape[1]
    longest = F.pad(ids, (0, module.max_tokens - length), value=module.tokenizer.pad_id)
    empty = F.pad(mask, (0, module.max_tokens - length))
    filled = torch.where(mask, ids, module.tokenizer.cls_id)
    with torch.no_grad():
        before = trial.run(module, [ids, mask])
        after = trial.run(module, [longest, empty])
        after["tokens"] = after["tokens"][:, :length]
        expect_same(before, after, "with more padding")
        expect_same(before, trial.run(module, [filled, mask]), "with other words in the padding")


@contract(READ)
def words_have_embeddings(trial: TextTrial) -> None:
    """The tokenizer travels to workers and keeps to max_tokens, a text of that length is read, and
    every id it gives has a row in word_embeddings.
    """
    module: Any = trial.module()
    tokenizer = pickle.loads(pickle.dumps(module.tokenizer))
    rows = module.word_embeddings.num_embeddings
    entries = tokenizer.vocabulary_size
    expect(entries <= rows, f"there are {entries} entries and {rows} rows of embeddings")
    limit = module.max_tokens
    view = tokenizer.encode([" ".join(SENTENCES * 40)])
    expect(view.ids.shape[1] == limit, f"a long text has {view.ids.shape[1]} tokens, not {limit}")
    with torch.no_grad():
        found = module(view.ids, view.mask)
    expect(found.tokens.shape[1] == limit, f"of {limit} tokens came {found.tokens.shape[1]}")


CONTRACTS = (
    shapes_are_as_declared,
    padding_changes_nothing,
    words_have_embeddings,
    *modules.CONTRACTS,
)
