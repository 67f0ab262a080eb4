"""Caption files in the released format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from albefkit.data.annotations import read_captions
from albefkit.data.base import Unreadable
from albefkit.data.captions import Captions
from albefkit.data.loader import TrainLoader
from albefkit.data.sampler import Order
from albefkit.data.transforms import TrainTransform
from albefkit.registry.errors import DataError
from tests.data.conftest import Letters, words

RNG = np.random.default_rng(0)
ROWS = [
    {"image": "a.png", "caption": "A dog.", "image_id": 7},
    {"image": "a.png", "caption": "a wet dog", "image_id": 7},
    {"image": "b.png", "caption": ["a cat", "cats", "a sleeping cat"], "image_id": "b"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, shade in (("a", 10), ("b", 200)):
        Image.new("RGB", (20, 24), (shade, 0, 0)).save(tmp_path / f"{name}.png")
    write(tmp_path / "train.json", ROWS)
    return tmp_path


def write(path: Path, rows: Any) -> None:
    path.write_text(json.dumps(rows))


def test_rows_are_items(root: Path) -> None:
    split = Captions(root=str(root)).split("train")
    items = [split.item(index, RNG) for index in range(len(split))]
    assert [item.text for item in items[:2]] == ["A dog.", "a wet dog"]
    assert items[0].image_id == items[1].image_id == 7 != items[2].image_id
    assert items[0].image.shape == (24, 20, 3) and items[2].image[0, 0, 0] == 200


def test_one_of_several_captions_is_drawn(root: Path) -> None:
    split = Captions(root=str(root)).split("train")
    said = {split.item(2, np.random.default_rng(seed)).text for seed in range(40)}
    assert said == {"a cat", "cats", "a sleeping cat"}
    once, again = (split.item(2, np.random.default_rng(4)).text for _ in range(2))
    assert once == again


def test_a_row_is_as_long_as_its_longest_caption(root: Path) -> None:
    texts = Captions(root=str(root)).split("train").item_texts()
    assert list(texts) == ["A dog.", "a wet dog", "a sleeping cat"]


def test_every_caption_trains_the_tokenizer(root: Path) -> None:
    assert len(list(Captions(root=str(root)).split("train").captions())) == 5


def test_the_gallery_shows_every_image_once(root: Path) -> None:
    gallery = Captions(root=str(root)).split("train").gallery()
    assert len(gallery) == 2 and list(gallery.names) == ["a.png", "b.png"]
    assert list(gallery.owner) == [0, 0, 1, 1, 1] and gallery.texts[1] == "a wet dog"
    assert gallery.image(1)[0, 0, 0] == 200


def test_without_ids_the_path_is_the_id(root: Path) -> None:
    write(root / "train.json", [{k: v for k, v in row.items() if k != "image_id"} for row in ROWS])
    split = Captions(root=str(root)).split("train")
    ids = [split.item(index, RNG).image_id for index in range(3)]
    assert ids[0] == ids[1] != ids[2]
    assert len(split.gallery()) == 2


def test_several_files_are_one_split(root: Path) -> None:
    write(root / "more.json", [{"image": "a.png", "caption": "again", "image_id": 7}])
    split = Captions(root=str(root), train=["train.json", "more.json"]).split("train")
    assert len(split) == 4 and len(split.gallery()) == 2


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("val.json", "val"),
        ("caption_val.json", "val"),
        ("retrieval_test.json", "test"),
        ("flickr30k_test.json", "test"),
        ("validation.json", "val"),
    ],
)
def test_files_are_found_by_conventional_names(root: Path, file: str, name: Any) -> None:
    write(root / file, ROWS)
    dataset = Captions(root=str(root))
    assert set(dataset.splits) == {"train", name}
    assert len(dataset.split(name)) == 3


def test_a_missing_split_is_an_error_that_says_what_to_do(root: Path) -> None:
    dataset = Captions(root=str(root))
    assert dataset.splits == ("train",)
    with pytest.raises(DataError, match=r"no caption file for 'test'(.|\n)*data\.test: FILE"):
        dataset.split("test")


def test_two_possible_files_are_not_guessed_between(root: Path) -> None:
    for file in ("coco_val.json", "vg_val.json"):
        write(root / file, ROWS)
    with pytest.raises(DataError, match=r"coco_val\.json, vg_val\.json"):
        Captions(root=str(root)).split("val")


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        Captions(root=str(tmp_path / "nowhere")).split("train")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{]", r"train\.json:1:3(.|\n)*not JSON"),
        ('{"image": 1}', "given an object, expected a list"),
        ("[]", "no entries"),
        ("[3]", r"train\.json\[0\](.|\n)*given a number"),
        ('[{"caption": "a"}]', "image(.|\n)*is missing"),
        ('[{"image": "a.png", "text": "a"}]', "caption(.|\n)*is missing.*has image, text"),
        ('[{"image": "a.png", "caption": 3}]', "given 3, expected a text"),
        ('[{"image": "a.png", "caption": []}]', r"given \[\], expected a text"),
        ('[{"image": "a.png", "caption": "a", "image_id": [1]}]', "image_id"),
        ("\x00\xff", "not JSON"),
        ("[" * 100000, "not JSON"),
    ],
)
def test_wrong_files_are_explained(root: Path, content: str, message: str) -> None:
    (root / "train.json").write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=message):
        Captions(root=str(root)).split("train")


def test_all_wrong_entries_are_reported_at_once(root: Path) -> None:
    write(root / "train.json", [3, ROWS[0], {"image": 4}, *([None] * 40)])
    with pytest.raises(DataError) as told:
        Captions(root=str(root)).split("train")
    assert "[0]" in str(told.value) and "[2]" in str(told.value)
    assert "and 22 more" in str(told.value) and len(told.value.problems) == 21


def test_fingerprints_follow_the_content_not_the_place(root: Path, tmp_path: Path) -> None:
    before = Captions(root=str(root)).split("train").fingerprint
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(elsewhere / "train.json", ROWS)
    assert Captions(root=str(elsewhere)).split("train").fingerprint == before
    write(elsewhere / "train.json", ROWS[::-1])
    assert Captions(root=str(elsewhere)).split("train").fingerprint != before


def test_broken_images_are_skipped_in_training(root: Path) -> None:
    (root / "bad.png").write_bytes(b"\x89PNG nothing more")
    rows = [{"image": "b.png", "caption": f"cat {i}"} for i in range(19)]
    write(root / "train.json", [*rows, {"image": "bad.png", "caption": "never"}])
    split = Captions(root=str(root)).split("train")
    transform = TrainTransform(8, (0.5,) * 3, (0.5,) * 3)
    loader = TrainLoader(split, transform, Letters(), Order(0, 20, 4), workers=0, max_broken=0.05)
    said = [text for batch in loader.batches(0, 10) for text in words(batch.text)]
    assert loader.skipped == 2 and len(said) == 40 and "never" not in said
    with pytest.raises(Unreadable, match=r"bad\.png"):
        split.gallery().image(1)


def test_missing_images_end_in_one_error_that_names_files(root: Path) -> None:
    rows = [{"image": f"{i}.jpg", "caption": "a"} for i in range(30)]
    write(root / "train.json", rows)
    split = Captions(root=str(root)).split("train")
    transform = TrainTransform(8, (0.5,) * 3, (0.5,) * 3)
    loader = TrainLoader(split, transform, Letters(), Order(0, 30, 4), workers=0)
    with pytest.raises(DataError, match=r"\.jpg: there is no such file"):
        next(loader.batches())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["image", "caption", "image_id", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(rows=ANYTHING)
def test_any_json_is_rows_or_problems_or_a_sentence(
    rows: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "anything.json"
    write(file, rows)
    try:
        good, problems = read_captions(file)
    except DataError as error:
        assert not isinstance(rows, list) and str(error)
    else:
        assert len(good) + len(problems) == len(rows)
        assert all(problem.message for problem in problems)
