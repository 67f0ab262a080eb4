"""Regions of a split: looked at once, written whole, given back to whom they belong."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from albefkit.data.base import Gallery, Item, Split, Unreadable
from albefkit.registry.errors import DataError

from albefkit_detector.extraction import extract
from albefkit_detector.region_file import RegionFile
from albefkit_detector.regions import Detector, Found, Keep

N, F, C = 4, 3, 2


class Grey(Split):
    """Items of pictures that are all of one grey; the gallery shows each grey once, backwards."""

    fingerprint = "greys"

    def __init__(self, greys: Sequence[int], gallery: bool = True) -> None:
        self.greys, self.shows = greys, gallery

    def __len__(self) -> int:
        return len(self.greys)

    def item(self, index: int, rng: np.random.Generator) -> Item:
        if self.greys[index] < 0:
            raise Unreadable(f"{index}.jpg", "it is broken")
        return Item(np.full((8, 8, 3), self.greys[index], np.uint8), "grey", index)

    def captions(self) -> Iterable[str]:
        return ["grey"]

    def gallery(self) -> Gallery:
        if not self.shows:
            return super().gallery()
        shown = sorted({grey for grey in self.greys if grey >= 0}, reverse=True)
        names = [str(grey) for grey in shown]
        return Gallery(
            len(shown),
            lambda index: np.full((8, 8, 3), shown[index], np.uint8),
            names,
            range(len(shown)),
            names,
        )


@dataclass(frozen=True)
class Greyness(Detector):
    """Finds as many regions as the grey says, and what it is."""

    looked: list[int] = field(default_factory=list)

    def look(self, pictures: Sequence[np.ndarray]) -> list[Found]:
        greys = [int(picture[0, 0, 0]) for picture in pictures]
        self.looked.extend(greys)
        return [
            Found(torch.full((g, F), float(g)), torch.rand(g, 4), torch.full((g, C), 1 / C))
            for g in greys
        ]


@pytest.fixture
def greyness(detector: Detector) -> Greyness:
    return Greyness(detector.network, "greyness", ("a", "b"), F, Keep(N, 1, 0.2), batch_size=2)


def silent(what: str, done: int, total: int) -> None: ...


def test_each_different_picture_is_looked_at_once(greyness, tmp_path):
    told = []
    file = tmp_path / "deep" / "train.safetensors"
    split = Grey([3, 1, 3, 2, 1])
    extract(split, greyness, file, lambda *each: told.append(each), "'train'")
    assert greyness.looked == [3, 1, 2]
    assert told[-1] == ("looking at the pictures of 'train'", 5, 5)
    regions = RegionFile(file)
    assert regions.about["detector"] == "greyness" and regions.about["names"] == "a\nb"
    for index, grey in enumerate(split.greys):
        fields = regions.of_item(index)
        assert {name: value.shape for name, value in fields.items()} == {
            "regions": (N, F), "region_boxes": (N, 4), "region_classes": (N, C),
            "region_mask": (N,),
        }  # fmt: skip
        assert fields["regions"].dtype == fields["region_classes"].dtype == np.float32
        assert fields["region_mask"].tolist() == [True] * grey + [False] * (N - grey)
        assert (fields["regions"] == grey * fields["region_mask"][:, None]).all()
    assert [regions.of_gallery(index)["region_mask"].sum() for index in range(3)] == [3, 2, 1]


def test_pictures_that_cannot_be_read_are_counted_and_left_out(greyness, tmp_path):
    file = tmp_path / "train.safetensors"
    assert extract(Grey([1, -1, 2], gallery=False), greyness, file, silent, "") == 1
    assert RegionFile(file).of_item(2)["region_mask"].sum() == 2
    with pytest.raises(DataError, match="none of these pictures can be read"):
        extract(Grey([-1]), greyness, tmp_path / "none.safetensors", silent, "")


def test_nothing_is_left_half_written(greyness, tmp_path, monkeypatch):
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("albefkit_detector.region_file.save_file", stopped)
    with pytest.raises(KeyboardInterrupt):
        extract(Grey([1]), greyness, tmp_path / "train.safetensors", silent, "")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_regions_of_other_data_or_of_another_detector_are_refused(greyness, tmp_path):
    file = tmp_path / "train.safetensors"
    extract(Grey([1]), greyness, file, silent, "")
    RegionFile(file).require("greys", "greyness")
    with pytest.raises(DataError, match="holds the regions of other data"):
        RegionFile(file).require("blues")
    with pytest.raises(DataError, match="holds what greyness found, not coco"):
        RegionFile(file).require("greys", "coco")
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"x")
    with pytest.raises(DataError, match="cannot be read"):
        RegionFile(other)


def test_a_file_travels_to_workers(greyness, tmp_path):
    extract(Grey([1, 2]), greyness, tmp_path / "t.safetensors", silent, "")
    regions = RegionFile(tmp_path / "t.safetensors")
    regions.of_item(0)
    there = pickle.loads(pickle.dumps(regions))
    assert (there.of_item(1)["regions"] == regions.of_item(1)["regions"]).all()
