"""Sentences with labels about one or several images, in the released formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from albefkit.data.base import Unreadable
from albefkit.data.entailment import Entailment
from albefkit.data.loader import TrainLoader
from albefkit.data.nlvr import NLVR
from albefkit.data.sampler import Order
from albefkit.data.transforms import TrainTransform
from albefkit.registry.errors import DataError
from tests.data.conftest import Letters

RNG = np.random.default_rng(0)
TRIPLES = [
    {"image": "a", "sentence": "A dog.", "label": "entailment"},
    {"image": "a.jpg", "sentence": "A wet dog.", "label": "neutral"},
    {"image": "b.png", "sentence": "A cat.", "label": "contradiction"},
]
STATEMENTS = [
    {"images": ["a.jpg", "b.png"], "sentence": "One is dark.", "label": "True"},
    {"images": ["b.png", "a.jpg"], "sentence": "Both are dark.", "label": "False"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    Image.new("RGB", (20, 24), (10, 0, 0)).save(tmp_path / "a.jpg")
    Image.new("RGB", (20, 24), (200, 0, 0)).save(tmp_path / "b.png")
    return tmp_path


def write(path: Path, rows: Any) -> None:
    path.write_text(json.dumps(rows))


def items(dataset: Entailment | NLVR) -> list[Any]:
    split = dataset.split("train")
    return [split.item(index, RNG) for index in range(len(split))]


def test_entailment_rows_are_items(root: Path) -> None:
    write(root / "train.json", TRIPLES)
    dataset = Entailment(root=str(root))
    found = items(dataset)
    assert dataset.classes == ("contradiction", "neutral", "entailment")
    assert [item.fields["label"] for item in found] == [2, 1, 0]
    assert [item.text for item in found] == ["A dog.", "A wet dog.", "A cat."]
    assert found[0].image_id == found[1].image_id != found[2].image_id
    assert found[2].image[0, 0, 0] == 200 and found[0].image[0, 0, 0] < 20
    assert list(dataset.split("train").captions()) == [row["sentence"] for row in TRIPLES]


def test_statements_are_items_with_their_images_in_order(root: Path) -> None:
    write(root / "train.json", STATEMENTS)
    dataset = NLVR(root=str(root))
    found = items(dataset)
    assert dataset.classes == ("false", "true") and dataset.images_per_text == 2
    assert [item.fields["label"] for item in found] == [1, 0]
    shades = [[image[0, 0, 0] > 100 for image in item.images] for item in found]
    assert shades == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        ({"image": "a.jpg", "label": True}, 1),
        ({"image": "a.jpg", "label": False}, 0),
        ({"images": ["a.jpg"], "label": "True"}, 1),
    ],
)
def test_one_image_may_be_all(root: Path, entry: dict[str, Any], label: int) -> None:
    write(root / "train.json", [entry | {"sentence": "It is dark."}])
    (item,) = items(NLVR(root=str(root), images=1))
    assert len(item.images) == 1 and item.fields["label"] == label


def test_labels_and_images_reach_the_batch(root: Path) -> None:
    write(root / "train.json", STATEMENTS)
    transform = TrainTransform(8, (0.5,) * 3, (0.5,) * 3, flip="never")
    split = NLVR(root=str(root)).split("train")
    loader = TrainLoader(split, transform, Letters(), Order(0, 2, 2), workers=0)
    batch = next(loader.batches())
    assert batch.image_rows.tolist() == [[0, 1], [2, 3]]
    bright = batch.images[batch.image_rows[:, 1], 0].mean((1, 2)) > 0
    assert bright.long().tolist() == batch.fields["label"].tolist()


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        (["train.json", "test.json"], ("train", "test")),
        (["ve_train.json", "ve_dev.json", "nlvr_train.json"], ("train", "val")),
        (["train.json", "my_val.json"], ("train", "val")),
    ],
)
def test_the_splits_are_those_with_files(root: Path, files: list[str], splits: Any) -> None:
    for file in files:
        write(root / file, TRIPLES)
    dataset = Entailment(root=str(root))
    assert dataset.splits == splits
    assert [len(dataset.split(name)) for name in splits] == [3, 3]


def test_files_may_lie_elsewhere(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "some.json"
    write(elsewhere, TRIPLES)
    assert len(items(Entailment(root=str(root), train=[str(elsewhere)] * 2))) == 6


ENTAILMENT = [
    ({"image": "a"}, r"train\.json\[0\]  sentence(.|\n)*is missing"),
    ({"sentence": "A dog."}, "image(.|\n)*is missing"),
    ({"image": "a", "sentence": " ", "label": "neutral"}, 'sentence(.|\n)*given " "'),
    ({"image": "a", "sentence": "A dog.", "label": "maybe"}, 'label(.|\n)*given "maybe"'),
    ({"image": "a", "sentence": "A dog.", "label": 1}, "label(.|\n)*given 1, expected"),
    ({"image": "a", "sentence": "A dog."}, "label(.|\n)*is missing"),
    ("a", "given a text, expected"),
]


@pytest.mark.parametrize(("entry", "message"), ENTAILMENT)
def test_wrong_triples_are_explained(root: Path, entry: Any, message: str) -> None:
    write(root / "train.json", [entry, TRIPLES[0]])
    with pytest.raises(DataError, match=message):
        Entailment(root=str(root)).split("train")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"sentence": "x", "label": "True"}, "image(.|\n)*is missing"),
        ({"images": ["a.jpg", ""], "sentence": "x", "label": "True"}, "images(.|\n)*given"),
        ({"images": ["a.jpg"], "sentence": "x", "label": "True"}, "given 1, expected 2"),
        ({"image": "a.jpg", "sentence": "x", "label": "True"}, r"given 1, .*data\.images"),
        ({**STATEMENTS[0], "label": "perhaps"}, 'label(.|\n)*given "perhaps"'),
        ({**STATEMENTS[0], "label": 1}, "label(.|\n)*given 1"),
        ({**STATEMENTS[0], "sentence": ""}, 'sentence(.|\n)*given ""'),
    ],
)
def test_wrong_statements_are_explained(root: Path, entry: Any, message: str) -> None:
    write(root / "train.json", [entry])
    with pytest.raises(DataError, match=message):
        NLVR(root=str(root)).split("train")


def test_all_wrong_entries_are_named_at_once(root: Path) -> None:
    wrong = [{**TRIPLES[0], "label": "maybe"}] * 30
    write(root / "train.json", [TRIPLES[0], *wrong])
    with pytest.raises(DataError) as told:
        Entailment(root=str(root)).split("train")
    assert "[0]" not in str(told.value) and "[1]" in str(told.value)
    assert "and 10 more" in str(told.value)


def test_a_missing_image_names_its_file(root: Path) -> None:
    write(root / "train.json", [{**STATEMENTS[0], "images": ["a.jpg", "gone.png"]}])
    with pytest.raises(Unreadable, match=r"gone\.png: there is no such file"):
        items(NLVR(root=str(root)))


def test_another_label_is_another_split(root: Path) -> None:
    write(root / "train.json", TRIPLES)
    before = Entailment(root=str(root)).split("train").fingerprint
    assert Entailment(root=str(root)).split("train").fingerprint == before
    write(root / "train.json", [{**TRIPLES[0], "label": "neutral"}, *TRIPLES[1:]])
    assert Entailment(root=str(root)).split("train").fingerprint != before
