"""Masked language modelling with the image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from albefkit.layers.heads import MaskedWordHead
from albefkit.objectives.base import Objective
from albefkit.objectives.masking import draw, hide
from albefkit.predictions import Choice
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import IGNORED, Pairs, TextView

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network


class MLM(Objective):
    """Which word is hidden here, given the image and the words that are left?

    Paper section 3.2, eq. 3; spec 2.2. Only hidden positions meet the vocabulary.

    Args:
        probability: share of words hidden, 0 to 1.
        special_words: also hide [SEP], and scramble words into any id of the vocabulary, special
            ones included, as the released code does.
    """

    reads = frozenset({"fused"})
    distillable = True

    def __init__(
        self, name: str, *, probability: float = 0.15, special_words: bool = False
    ) -> None:
        super().__init__(name)
        if not 0 < probability < 1:
            raise ValueError(f"probability is {probability}, expected more than 0 and less than 1")
        self.probability = probability
        self.special_words = special_words

    def head(self, network: Network) -> nn.Module:
        """A judge of tokens against the word embeddings.

        Raises:
            ComponentError: the tokenizer has no word that stands for a hidden one.
        """
        assert network.fusion is not None and network.text is not None
        if network.text.tokenizer.mask_id is None:
            message = "hides words, and the tokenizer of model.text has no [MASK] to show instead"
            hint = "Say 'model.text.tokenizer: train', or leave this objective out."
            raise ComponentError(Problem("", f"objectives.{self.name}", message, hint))
        words = network.text.word_embeddings
        return MaskedWordHead(network.fusion.width, words.num_embeddings, words.embedding_dim)

    def text_view(self, step: Step) -> TextView:
        """The batch's texts with words hidden."""
        text = step.student.network.text
        assert text is not None
        tokenizer = text.tokenizer
        assert tokenizer.mask_id is not None  # `head` has seen to it
        special = {tokenizer.pad_id, tokenizer.cls_id}
        first = 0
        if not self.special_words:
            special |= tokenizer.special_ids
            first = tokenizer.first_word_id
        draws = draw(
            step.batch.text.ids.shape,
            self.probability,
            (first, tokenizer.vocabulary_size),
            step.generator(self.name),
        )
        return hide(step.batch.text, draws, tokenizer.mask_id, frozenset(special))

    def pairs(self, step: Step) -> Pairs:
        """Each masked text with its own image."""
        own = torch.arange(len(step.batch), device=step.device)
        return Pairs(image=own, text=own, view=self.name)

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        """One row per hidden word, in reading order."""
        labels = step.views[self.name].labels
        assert labels is not None
        # On the host: where the hidden words are decides shapes, and a device would have to be
        # waited for.
        row, column = (labels != IGNORED).nonzero(as_tuple=True)
        answers = labels[row, column].to(step.device, non_blocking=True)
        row = row.to(step.device, non_blocking=True)
        column = column.to(step.device, non_blocking=True)
        tokens = who.fused(self.name).text_tokens[row, column]
        text = who.network.text
        assert text is not None
        logits = who.network.heads[self.name](tokens, text.word_embeddings.weight)
        return Choice(logits, answers, math.log(logits.shape[1]))
