"""What is done to a network between its assembly and its first step."""

from __future__ import annotations

import torch
from torch import nn

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
    bring(pretrainer, device)
    if settings.checkpoint_activations:
        pretrainer.checkpoint_activations()


def bring(network: nn.Module, device: torch.device) -> None:
    """Bring a network to where it is to compute, with the library that is fastest there."""
    network.to(device)
    if device.type == "cpu":
        use_onednn(network)
