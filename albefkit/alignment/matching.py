"""Which candidates are right for a row: its partner, its image, its words."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from albefkit.tensors import Batch

Positives: TypeAlias = Literal["pair", "image", "image-or-text"]
"""How far being the same goes."""


def matches(positives: Positives, batch: Batch, image_id: Tensor, text_id: Tensor) -> Tensor:
    """Say which of K candidates match which row of the batch.

    Args:
        positives: `pair`: only the row's own partner; `image`: also candidates of the same image;
            `image-or-text`: also candidates with the same words.
        batch: its rows are the first B candidates.
        image_id: `(K,)` int64, images of the candidates.
        text_id: `(K,)` int64, words of the candidates.

    Returns:
        `(B, K)` bool.
    """
    same = torch.eye(len(batch), len(image_id), dtype=torch.bool, device=image_id.device)
    if positives != "pair":
        same = same | (batch.image_id[:, None] == image_id)
    if positives == "image-or-text":
        same = same | (batch.text_id[:, None] == text_id)
    return same
