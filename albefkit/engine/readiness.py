"""What is done to a network between its assembly and its first step."""

from __future__ import annotations

import torch

from albefkit.engine.pretrainer import Pretrainer
from albefkit.layers.linear import use_onednn
from albefkit.recipe.grammar import TrainSection


def make_ready(pretrainer: Pretrainer, settings: TrainSection, device: torch.device) -> None:
    """Bring a pretrainer to its device, to train there as the recipe says.

    Args:
        pretrainer: freshly assembled.
        settings: which of the means that change what a step costs, not what it learns.
        device: where.
    """
    pretrainer.to(device)
    use_onednn(pretrainer)
    if settings.checkpoint_activations:
        pretrainer.checkpoint_activations()
