"""Questions about photographs, in the released format."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from albefkit.data import images
from albefkit.data.base import Item
from albefkit.data.loader import TrainLoader
from albefkit.data.sampler import Order
from albefkit.data.transforms import TrainTransform
from albefkit.data.vqa import VQA
from albefkit.registry.errors import AlbefkitWarning, DataError
from albefkit.tensors import IGNORED, Answers
from tests.data.conftest import Letters, words

RNG = np.random.default_rng(0)
TEN = ["two", "two", "2", "two", "three", "2", "two", "two", "two", "two"]
QUESTIONS = [
    {"image": "a.png", "question": "How many?", "answer": TEN, "question_id": 11, "dataset": "vqa"},
    {"image": "a.png", "question": "A dog?", "answer": "no", "question_id": 12, "dataset": "vg"},
    {"image": "b.png", "question": "A cat?", "answer": ["yes"], "question_id": 13},
]
UNANSWERED = [{key: row[key] for key in ("image", "question", "question_id")} for row in QUESTIONS]
LIST = ["no", "2", "two", "yes"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, shade in (("a.png", 10), ("b.png", 200)):
        Image.new("RGB", (20, 24), (shade, 0, 0)).save(tmp_path / name)
    write(tmp_path / "train.json", QUESTIONS)
    write(tmp_path / "answer_list.json", LIST)
    return tmp_path


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def items(dataset: VQA, name: Any = "train") -> list[Item]:
    split = dataset.split(name)
    return [split.item(index, RNG) for index in range(len(split))]


def labels(dataset: VQA, name: Any = "train") -> list[int | None]:
    return [item.fields.get("label") for item in items(dataset, name)]


def test_answers_are_weighted_as_released(root: Path) -> None:
    """Distinct answers in order of appearance, count / 10; one of Visual Genome: 0.5 (spec 5.2)."""
    ten, genome, one = (item.fields["answers"] for item in items(VQA(root=str(root))))
    assert ten.texts == ("two", "2", "three")
    assert ten.weights == pytest.approx((0.7, 0.2, 0.1)) and ten.given == tuple(TEN)
    assert (genome.texts, genome.weights) == (("no",), (0.5,))
    assert (one.texts, one.weights) == (("yes",), (1.0,))


def test_rows_are_items(root: Path) -> None:
    dataset = VQA(root=str(root))
    found = items(dataset)
    assert [item.text for item in found] == ["How many?", "A dog?", "A cat?"]
    assert [item.fields["question_id"] for item in found] == [11, 12, 13]
    assert [item.image[0, 0, 0] for item in found] == [10, 10, 200]
    assert found[0].image_id == found[1].image_id != found[2].image_id
    assert dataset.classes == tuple(LIST) and dataset.splits == ("train",)


def test_words_are_those_of_questions_and_answers(root: Path) -> None:
    split = VQA(root=str(root)).split("train")
    said = list(split.captions())
    assert {"How many?", "A dog?", "A cat?", "two", "2", "three", "no", "yes"} == set(said)
    assert split.clean("  Is it  well-known?", 4) == "  is it"  # as a question, not a caption


def test_the_label_is_the_heaviest_listed_answer(root: Path) -> None:
    assert labels(VQA(root=str(root))) == [2, 0, 3]
    write(root / "few.json", ["three", "2", "yes", "no"])
    assert labels(VQA(root=str(root), answers="few.json")) == [1, 3, 2]


def test_questions_without_a_listed_answer_are_counted(root: Path) -> None:
    write(root / "answer_list.json", ["three", "yes"])
    with pytest.warns(AlbefkitWarning, match="1 of 3 training questions .* the list of 2"):
        assert labels(VQA(root=str(root))) == [0, IGNORED, 1]
    write(root / "test.json", QUESTIONS)
    assert labels(VQA(root=str(root)), "test") == [0, IGNORED, 1]


def test_a_list_of_other_answers_is_refused(root: Path) -> None:
    write(root / "answer_list.json", ["Yes", "maybe"])
    with pytest.raises(DataError, match=r"data\.answers(.|\n)*none of the 3(.|\n)*vqa-answers"):
        VQA(root=str(root)).split("train")


def test_without_a_list_there_are_no_classes(root: Path) -> None:
    (root / "answer_list.json").unlink()
    dataset = VQA(root=str(root))
    assert dataset.classes == () and labels(dataset) == [None] * 3
    with pytest.raises(DataError, match="answer list file cannot be read"):
        _ = VQA(root=str(root), answers="answer_list.json").classes


@pytest.mark.parametrize("answer", [{}, {"answer": []}, {"answer": None}, {"answer": ""}])
def test_only_training_needs_answers(root: Path, answer: dict[str, Any]) -> None:
    rows = [{**row, **answer} for row in UNANSWERED]
    for name in ("test.json", "unanswered.json"):
        write(root / name, rows)
    dataset = VQA(root=str(root), train="unanswered.json")
    for item in items(dataset, "test"):
        assert item.fields.keys() == {"question_id"}
    with pytest.raises(DataError, match=r"unanswered\.json\[0\]  answer"):
        dataset.split("train")


def test_everything_reaches_the_batch(root: Path) -> None:
    transform = TrainTransform(8, (0.5,) * 3, (0.5,) * 3, flip="never")
    split = VQA(root=str(root)).split("train")
    batch = next(TrainLoader(split, transform, Letters(), Order(0, 3, 3), workers=0).batches())
    answers = batch.fields["answers"]
    assert isinstance(answers, Answers)
    order = [batch.fields["question_id"].tolist().index(each) for each in (11, 12, 13)]
    assert batch.fields["label"][order].tolist() == [2, 0, 3]
    given = zip(
        words(answers.text), answers.question.tolist(), answers.weight.tolist(), strict=True
    )
    found = {(text, row): weight for text, row, weight in given}
    assert found == pytest.approx(
        {
            ("two[SEP]", order[0]): 0.7,
            ("2[SEP]", order[0]): 0.2,
            ("three[SEP]", order[0]): 0.1,
            ("no[SEP]", order[1]): 0.5,
            ("yes[SEP]", order[2]): 1.0,
        }
    )
    assert sorted(words(batch.text)) == ["a cat", "a dog", "how many"]


def test_collections_may_have_folders_of_their_own(root: Path) -> None:
    (root / "genome").mkdir()
    Image.new("RGB", (20, 24), (90, 0, 0)).save(root / "genome" / "a.png")
    first, second, _ = items(VQA(root=str(root), image_roots={"vg": "genome"}))
    assert (first.image[0, 0, 0], second.image[0, 0, 0]) == (10, 90)
    assert first.image_id != second.image_id
    elsewhere = items(VQA(root=str(root), image_roots={"vg": str((root / "genome").absolute())}))
    assert elsewhere[1].image[0, 0, 0] == 90


@pytest.mark.parametrize("name", ["train", "test"])
def test_questions_in_a_row_decode_their_image_once(
    root: Path, name: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    read_image = images.read_image

    def counting(path: Path, short_side: int | None = None) -> np.ndarray:
        decoded.append(path.name)
        return read_image(path, short_side)

    monkeypatch.setattr(images, "read_image", counting)
    write(root / "test.json", QUESTIONS)
    dataset = VQA(root=str(root), keep_megabytes=0)
    assert len(items(dataset, name)) == 3 and decoded == ["a.png", "b.png"]


def test_ids_are_all_numbers_or_all_texts(root: Path) -> None:
    def ids(*given: Any) -> list[Any]:
        rows = [{**row, "question_id": each} for row, each in zip(QUESTIONS, given, strict=True)]
        write(root / "train.json", rows)
        return [item.fields.get("question_id") for item in items(VQA(root=str(root)))]

    assert ids(3, 2, 1) == [3, 2, 1]
    assert ids("x", "y", 1) == ["x", "y", "1"]
    assert ids(None, 2, 1) == [None] * 3


WRONG = [
    ({"question": "A dog?"}, r"train\.json\[0\]  image(.|\n)*is missing"),
    ({"image": "a.png"}, "question(.|\n)*is missing"),
    ({"image": "a.png", "question": " "}, 'question(.|\n)*given " "'),
    ({"image": "a.png", "question": "A dog?"}, "answer(.|\n)*is missing"),
    ({**QUESTIONS[0], "answer": [1]}, r"answer(.|\n)*given \[1\]"),
    ({**QUESTIONS[0], "answer": 3}, "answer(.|\n)*given 3"),
    ({**QUESTIONS[0], "answer": ["a", " "]}, "answer(.|\n)*texts that say something"),
    ({**QUESTIONS[0], "answer": []}, r"answer(.|\n)*given \[\], expected"),
    ({**QUESTIONS[0], "dataset": 2}, "dataset(.|\n)*given 2"),
    ({**QUESTIONS[0], "question_id": [1]}, "question_id(.|\n)*a number or a text"),
    ({**QUESTIONS[0], "question_id": True}, "question_id(.|\n)*given true"),
    ({**QUESTIONS[0], "question_id": 2**63}, "question_id(.|\n)*64 bits"),
    (7, "given a number, expected"),
]


@pytest.mark.parametrize(("entry", "message"), WRONG)
def test_wrong_entries_are_explained(root: Path, entry: Any, message: str) -> None:
    write(root / "train.json", [entry, QUESTIONS[1]])
    with pytest.raises(DataError, match=message):
        VQA(root=str(root)).split("train")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"yes": 1}, "given an object, expected a list"),
        ([], "no answers"),
        (["yes", 2], r"answer_list\.json\[1\](.|\n)*given a number"),
        (["yes", " "], r"\[1\](.|\n)*says something"),
        (["yes", "no", "yes"], r"\[2\](.|\n)*'yes' is there already, at \[0\]"),
    ],
)
def test_wrong_answer_lists_are_explained(root: Path, content: Any, message: str) -> None:
    write(root / "answer_list.json", content)
    with pytest.raises(DataError, match=message):
        _ = VQA(root=str(root)).classes


def test_files_have_the_released_names_or_any(root: Path) -> None:
    (root / "train.json").unlink()
    for name in ("vqa_train.json", "vg_qa.json", "vqa_test.json"):
        write(root / name, QUESTIONS)
    assert VQA(root=str(root)).splits == ("train", "test")
    assert len(items(VQA(root=str(root), train=["vqa_train.json", "vg_qa.json"]))) == 6


def test_whatever_changes_changes_the_fingerprint(root: Path) -> None:
    def fingerprint(rows: list[dict[str, Any]], listed: list[str] = LIST, **options: Any) -> str:
        write(root / "train.json", rows)
        write(root / "answer_list.json", listed)
        return VQA(root=str(root), **options).split("train").fingerprint

    assert fingerprint(QUESTIONS) == fingerprint(QUESTIONS)
    others = [
        fingerprint(QUESTIONS),
        fingerprint(QUESTIONS[::-1]),
        fingerprint([{**QUESTIONS[0], "answer": TEN[1:]}, *QUESTIONS[1:]]),
        fingerprint([{**QUESTIONS[0], "question": "How few?"}, *QUESTIONS[1:]]),
        fingerprint(QUESTIONS, LIST[::-1]),
        fingerprint(QUESTIONS, image_roots={"vg": "genome"}),
    ]
    assert len(set(others)) == len(others)


def test_splits_travel_to_workers(root: Path) -> None:
    split = VQA(root=str(root)).split("train")
    got = pickle.loads(pickle.dumps(split)).item(0, RNG)
    assert got.fields == split.item(0, RNG).fields
    assert torch.equal(torch.tensor(got.image), torch.tensor(split.item(0, RNG).image))
