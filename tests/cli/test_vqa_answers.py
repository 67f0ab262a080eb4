"""`albefkit vqa-answers`: the same list from the same questions, and no list lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albefkit.cli.main import main
from albefkit.data.vqa import VQA

GIVEN = [["red", "red", "blue"], ["blue"], ["no"], "zebra", ["élan", "élan"], ["apple"]]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "train.json"
    rows = [{"image": "a.png", "question": "What?", "answer": answer} for answer in GIVEN]
    file.write_text(json.dumps(rows))
    return file


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["vqa-answers", *map(str, arguments)])
    return int(caught.value.code or 0)


def listed(file: Path) -> list[str]:
    return json.loads((file.parent / "answer_list.json").read_text(encoding="utf-8"))


def test_the_commonest_come_first_and_then_the_alphabet(questions: Path, capsys) -> None:
    assert run(questions) == 0
    assert listed(questions) == ["blue", "red", "élan", "apple", "no", "zebra"]
    assert "6 answers; 6 of 6 questions" in capsys.readouterr().out
    assert VQA(root=str(questions.parent)).classes == tuple(listed(questions))


@pytest.mark.parametrize(
    ("options", "expected", "covered"),
    [
        (["--least", 2], ["blue", "red", "élan"], 3),
        (["--most", 4], ["blue", "red", "élan", "apple"], 4),
        (["--least", 2, "--most", 1], ["blue"], 2),
    ],
)
def test_rare_answers_may_be_left_out(questions, options, expected, covered, capsys) -> None:
    assert run(questions, *options) == 0
    assert listed(questions) == expected
    assert f"{covered} of 6 questions" in capsys.readouterr().out


def test_the_order_of_questions_and_files_makes_no_difference(questions: Path) -> None:
    other = questions.parent / "vg_qa.json"
    other.write_text(json.dumps(json.loads(questions.read_text())[::-1]))
    outs = [questions.parent / name for name in ("one.json", "two.json")]
    for out, files in zip(outs, ([questions, other], [other, questions]), strict=True):
        assert run(*files, "--out", out) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert not (questions.parent / "answer_list.json").exists()


def test_a_list_is_only_replaced_where_that_is_said(questions: Path, capsys) -> None:
    assert run(questions) == 0
    assert run(questions, "--most", 1) == 3
    assert "there already" in capsys.readouterr().err and len(listed(questions)) == 6
    assert run(questions, "--most", 1, "--out", questions.parent / "answer_list.json") == 0
    assert listed(questions) == ["blue"]


def test_mistakes_are_explained(questions: Path, capsys) -> None:
    assert run(questions, "--least", 5) == 3
    assert "no answer is given 5 times; the commonest, 'blue', 2 times" in capsys.readouterr().err
    assert run(questions.parent / "gone.json") == 3
    assert "question file cannot be read" in capsys.readouterr().err
    assert run(questions, "--out", questions.parent / "no" / "folder.json") == 3
    assert "cannot be written" in capsys.readouterr().err
    questions.write_text(json.dumps([{"image": "a.png", "question": "What?"}]))
    assert run(questions) == 3
    assert "answer\n" in capsys.readouterr().err
    assert not (questions.parent / "answer_list.json").exists()
