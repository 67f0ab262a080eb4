"""AdamW weight by weight, in two groups (spec 9)."""

from __future__ import annotations

import torch
from torch import nn

from albefkit.engine.adamw import AdamW


def released_adamw(recipe: AdamW, module: nn.Module) -> torch.optim.AdamW:
    """torch's loop over weights; weights that do not decay, then weights that do."""
    still, decaying = [], []
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            (decaying if recipe.decays(name, weight) else still).append(weight)
    groups = [
        {"params": still, "weight_decay": 0.0},
        {"params": decaying, "weight_decay": recipe.weight_decay},
    ]
    return torch.optim.AdamW(groups, betas=recipe.betas, eps=recipe.eps, foreach=False, fused=False)
