"""Image-text matching with negatives drawn row by row (spec 2.1, items 9 to 11)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.bench.reference.contrast import Similarities
from albefkit.bench.reference.network import ReleasedNetwork
from albefkit.objectives.negatives import WrongPartners


def draw_partners(similarities: Similarities, excluded: Tensor) -> WrongPartners:
    """First an image per text, then a text per image, one `multinomial` each.

    Args:
        similarities: the student's; their first B columns are the batch.
        excluded: `(B, B)` bool, who is no negative.

    Raises:
        RuntimeError: of torch, where all that is allowed has underflowed to 0, as released.
    """
    text_weight, image_weight = partner_weights(similarities, excluded)
    found = (~excluded).any(1)
    image = _draw_rows(image_weight, found)
    text = _draw_rows(text_weight, found)
    weight = found.to(image_weight.dtype)
    return WrongPartners(image, text, weight, weight)


@torch.no_grad()
def partner_weights(similarities: Similarities, excluded: Tensor) -> tuple[Tensor, Tensor]:
    """Sampling weights `(B, B)` of a text per image and of an image per text, as above."""
    rows = len(excluded)
    text_weight = F.softmax(similarities.image_to_text[:, :rows], dim=1)
    image_weight = F.softmax(similarities.text_to_image[:, :rows], dim=1)
    return text_weight.masked_fill_(excluded, 0), image_weight.masked_fill_(excluded, 0)


def matching_loss(
    network: ReleasedNetwork,
    judge: nn.Module,
    image: Tensor,
    text: Tensor,
    mask: Tensor,
    partners: WrongPartners,
) -> Tensor:
    """One pass over B matched pairs, one over 2B wrong ones, and what `judge` says of them.

    Args:
        network: the student.
        judge: `(P, D) -> (P, 2)`; class 1 means match.
        image: tokens `(B, N, image width)`.
        text: tokens `(B, L, D)`.
        mask: `(B, L)` bool.
        partners: the wrong image of each text and the wrong text of each image.
    """
    matched = network.fuse(text, mask, image)
    wrong_image = torch.stack([image[row] for row in partners.image.tolist()])
    wrong_text = torch.stack([text[row] for row in partners.text.tolist()])
    wrong_mask = torch.stack([mask[row] for row in partners.text.tolist()])
    mismatched = network.fuse(
        torch.cat([text, wrong_text]),
        torch.cat([mask, wrong_mask]),
        torch.cat([wrong_image, image]),
    )
    summaries = torch.cat([matched[:, 0], mismatched[:, 0]])
    labels = torch.zeros(len(summaries), dtype=torch.int64, device=summaries.device)
    labels[: len(text)] = 1
    rows = F.cross_entropy(judge(summaries), labels, reduction="none")
    # Where a row has no legal partner (never in the released code) the pair stands for nothing.
    counts = torch.cat(
        [torch.ones_like(partners.image_found), partners.image_found, partners.text_found]
    )
    return (rows * counts).sum() / counts.sum()


def _draw_rows(weights: Tensor, found: Tensor) -> Tensor:
    drawn = [
        int(torch.multinomial(row, 1).item()) if any_allowed else 0
        for row, any_allowed in zip(weights, found.tolist(), strict=True)
    ]
    return torch.tensor(drawn, device=weights.device)
