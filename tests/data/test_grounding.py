"""Files of texts that refer to things, and the boxes of these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from albefkit.data.grounding import Grounding
from albefkit.registry.errors import DataError

RNG = np.random.default_rng(0)
ENTRY = {
    "image": "a.png",
    "text": "the cup",
    "bbox": [10, 20, 30, 40],
    "width": 100,
    "height": 200,
    "image_id": 7,
}


def entry(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (ENTRY | changes).items() if value is not ...}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    Image.new("RGB", (100, 200)).save(tmp_path / "a.png")
    Image.new("RGB", (50, 100)).save(tmp_path / "b.png")
    rows = [entry(), entry(image="b.png", image_id=8, ref_id=3, split="testA")]
    for name in ("train", "val"):
        (tmp_path / f"grounding_{name}.json").write_text(json.dumps(rows))
    return tmp_path


def write(root: Path, name: str, content: object) -> None:
    (root / name).write_text(json.dumps(content))


def test_boxes_follow_the_picture(root):
    split = Grounding(root=str(root)).split("val")
    first, second = (split.item(index, RNG) for index in range(2))
    assert first.text == "the cup" and first.image.shape == (200, 100, 3)
    assert first.fields["box"] == (10, 20, 30, 40)
    assert second.fields["box"] == (5, 10, 15, 20)
    shrunk = Grounding(root=str(root), short_side=20).split("val").item(0, RNG)
    assert shrunk.image.shape == (40, 20, 3)
    assert shrunk.fields["box"] == pytest.approx((2, 4, 6, 8))


def test_other_fields(root):
    split = Grounding(root=str(root)).split("val")
    fields = [split.item(index, RNG).fields for index in range(2)]
    assert [each["part"] for each in fields] == ["val", "testA"]
    assert [each["ref_id"] for each in fields] == ["0", "3"]
    assert list(split.captions()) == ["the cup"] * 2
    assert len({split.item(index, RNG).image_id for index in range(2)}) == 2


@pytest.mark.parametrize("name", ["dets.json", "dets_gt.json", "mine.json"])
def test_boxes_to_choose_from(root, name):
    write(root, name, {"8": [[10, 20, 30, 40, 0.9], [0, 0, 50, 50, 0.8]]})
    detections = name if name == "mine.json" else None
    dataset = Grounding(root=str(root), detections=detections)
    first, second = (dataset.split("val").item(index, RNG) for index in range(2))
    assert "boxes" not in first.fields
    assert second.fields["boxes"] == ((5, 10, 15, 20), (0, 0, 25, 25))
    assert "boxes" not in dataset.split("train").item(1, RNG).fields


def test_training_needs_no_boxes(root):
    write(root, "grounding_train.json", [{"image": "a.png", "text": "the cup"}])
    item = Grounding(root=str(root)).split("train").item(0, RNG)
    assert "box" not in item.fields
    write(root, "grounding_val.json", [{"image": "a.png", "text": "the cup"}])
    with pytest.raises(DataError, match=r"bbox\n.*is missing, expected \[x, y, width, height\]"):
        Grounding(root=str(root)).split("val")


def test_splits_there_are(root):
    dataset = Grounding(root=str(root))
    assert dataset.splits == ("train", "val")
    with pytest.raises(DataError, match="no grounding file for 'test'"):
        dataset.split("test")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"text": ""}, 'text\n.*given ""'),
        ({"image": ...}, "image\n.*is missing"),
        ({"bbox": [1, 2, 3]}, r"bbox\n.*given \[1, 2, 3\]"),
        ({"bbox": [1, 2, 0, 4]}, "bbox"),
        ({"bbox": [1, 2, "3", 4]}, "bbox"),
        ({"bbox": [1, 2, True, 4]}, "bbox"),
        ({"bbox": [float("nan"), 2, 3, 4]}, "bbox"),
        ({"width": ...}, "width\n.*is missing, expected pixels"),
        ({"height": 0}, "height\n.*given 0"),
    ],
)
def test_wrong_entries_are_named(root, changes: Mapping[str, Any], what: str):
    write(root, "grounding_val.json", [entry(), entry(**changes)])
    with pytest.raises(DataError, match=rf"grounding_val.json\[1\]  {what}"):
        Grounding(root=str(root)).split("val")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ([[1, 2, 3, 4]], "given a list, expected {image_id"),
        ({"7": [[1, 2, 3, 4], [1, 2, 3]]}, "7\n.*expected a list of boxes"),
        ({"7": [1, 2, 3, 4]}, "expected a list of boxes"),
    ],
)
def test_wrong_detections_are_refused(root, content: object, what: str):
    write(root, "dets.json", content)
    dataset = Grounding(root=str(root))
    dataset.split("train")
    with pytest.raises(DataError, match=what):
        dataset.split("val")


def test_missing_detections_are_refused(root):
    with pytest.raises(DataError, match="the detections file cannot be read"):
        Grounding(root=str(root), detections="there.json").split("val")


def test_fingerprints_tell_data_apart(root):
    before = Grounding(root=str(root)).split("val").fingerprint
    assert Grounding(root=str(root)).split("val").fingerprint == before
    write(root, "dets.json", {"7": [[1, 2, 3, 4]]})
    assert Grounding(root=str(root)).split("val").fingerprint != before
