"""Masked region feature regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from albefkit.predictions import Estimate
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit_detector.masked_regions import MaskedRegions

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network

EPS = 1e-6
"""The least variance: a batch whose regions are all alike has none."""


class MaskedRegionFeatures(MaskedRegions):
    """What would a detector have seen in this hidden region, given the words and other regions?

    UNITER section 3.2, MRFR: squared distance from the features that were hidden. Here it is
    counted in units of the batch's own spread, so that 1 is what the mean would get and detectors
    with large features are not heard more. The last map is that of the encoder, the other way
    round, as masked words are compared with word embeddings.
    """

    def head(self, network: Network) -> nn.Module:
        """From tokens to features."""
        regions = self.regions_of(network)
        assert network.fusion is not None
        return RegionFeatureHead(network.fusion.width, regions.width, regions.features)

    def predict(self, step: Step, who: ForwardPass) -> Estimate:
        """One row per hidden region."""
        hidden = self.hidden(step, who)
        table = self.regions_of(who.network).feature.weight
        values = who.network.heads[self.name](hidden.tokens, table)
        targets = standard(step.batch.read("regions"), step.batch.read("region_mask"))
        return Estimate(values, targets[hidden.row, hidden.column], 1.0, hidden.weight)


class RegionFeatureHead(nn.Module):
    """From fused tokens back to the features of regions.

    The table is given to `forward`: it belongs to the encoder, and a head that held it would have
    it twice in every checkpoint.

    Args:
        width: size of a fused token.
        region_width: D, size of the encoder's tokens.
        features: F, size of a region's features.
    """

    def __init__(self, width: int, region_width: int, features: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, region_width)
        self.norm = nn.LayerNorm(region_width, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, tokens: Tensor, table: Tensor) -> Tensor:
        """Features `(K, F)` of tokens `(K, width)`; the table is `(D, F)`."""
        return F.linear(self.norm(F.gelu(self.dense(tokens))), table.T, self.bias)


def standard(features: Tensor, mask: Tensor) -> Tensor:
    """Features `(B, N, F)` less the mean of the real ones, over their deviation from it, which is
    one number for all F.
    """
    share = (mask / mask.sum().clamp(min=1))[..., None]
    centred = features - (share * features).sum((0, 1))
    variance = (share * centred.square()).sum((0, 1)).mean()
    return centred * variance.clamp(min=EPS).rsqrt()
