"""Masked language modelling over all positions (spec 2.2)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from albefkit.objectives.masking import draw
from albefkit.objectives.mlm import MLM
from albefkit.progress import Progress
from albefkit.seeding import torch_generator
from albefkit.tensors import IGNORED, TextView
from albefkit.text.tokenizer import Tokenizer


def hide_words(text: TextView, mlm: MLM, tokenizer: Tokenizer, progress: Progress) -> TextView:
    """Hide the words that albefkit's own step hides, with `labels`.

    Args:
        text: the batch's texts, on the host.
        mlm: how many words, and which.
        tokenizer: what ids mean.
        progress: what the draws depend on.
    """
    kept, first_word = {tokenizer.pad_id, tokenizer.cls_id}, 0
    if not mlm.special_words:
        kept, first_word = kept | tokenizer.special_ids, tokenizer.first_word_id
    generator = torch_generator(
        progress.seed, progress.rank, progress.step, progress.micro_step, mlm.name
    )
    vocabulary = (first_word, tokenizer.vocabulary_size)
    draws = draw(text.ids.shape, mlm.probability, vocabulary, generator)
    ids, labels, hidden = text.ids.clone(), text.ids.clone(), draws.select
    for special in sorted(kept):
        hidden[ids == special] = False
    labels[~hidden] = IGNORED
    replaced = draws.replace & hidden
    assert tokenizer.mask_id is not None  # MLM's head has seen to it
    ids[replaced] = tokenizer.mask_id
    scrambled = draws.scramble & hidden & ~replaced
    ids[scrambled] = draws.word[scrambled]
    return TextView(ids, text.mask, labels)


def words_loss(logits: Tensor, advice: Tensor, labels: Tensor, alpha: float) -> Tensor:
    """Hard and soft loss over the hidden words; NaN where none is hidden, as released.

    Args:
        logits: `(B, L, V)`, at all positions.
        advice: the teacher's.
        labels: `(B, L)` int64, `IGNORED` where no word is hidden.
        alpha: weight of the teacher's word, 0 to 1.
    """
    hard = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
    soft = -torch.sum(F.log_softmax(logits, dim=-1) * F.softmax(advice, dim=-1), dim=-1)
    soft = soft[labels != IGNORED].mean()
    return (1 - alpha) * hard + alpha * soft
