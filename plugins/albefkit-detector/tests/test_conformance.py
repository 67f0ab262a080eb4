"""What this plugin brings keeps the contracts of its kinds."""

from __future__ import annotations

from albefkit.tensors import Encoded
from albefkit.testing import ContractBroken, checks, conformance
from torch import Tensor

from albefkit_detector.encoder import RegionEncoder

DRAWN = {"type": "scenes", "size": 32, "train": 6, "val": 4, "test": 4}
REGIONS = {"type": "regions", "of": DRAWN}
ENCODER = {"features": 128, "width": 12}
SEEN = {"model": {"vision": {"type": "regions", **ENCODER}}, "data": REGIONS}


@conformance("vision", "regions", options=ENCODER, beside={"data": REGIONS})
def test_encoder(check, trained):
    check()


@conformance("dataset", "regions", options={"of": DRAWN}, beside={"model": SEEN["model"]})
def test_dataset(check, trained):
    check()


@conformance("objective", "masked-region-classes", options={"classes": 112}, beside=SEEN)
def test_masked_region_classes(check, trained):
    check()


@conformance("objective", "masked-region-features", beside=SEEN)
def test_masked_region_features(check, trained):
    check()


class CountsEmptyRegions(RegionEncoder):
    """Its summary is the mean of all regions, real or not."""

    def forward(self, regions: Tensor, boxes: Tensor, mask: Tensor) -> Encoded:
        found = super().forward(regions, boxes, mask)
        return Encoded(found.tokens, mask, found.tokens.mean(1))


def test_an_encoder_that_counts_empty_regions_is_found_out(trained):
    broken = []
    for check in checks("vision", CountsEmptyRegions, options=ENCODER, beside={"data": REGIONS}):
        try:
            check()
        except ContractBroken as error:
            broken.append(error.contract)
    assert broken == ["padding-changes-nothing"]
