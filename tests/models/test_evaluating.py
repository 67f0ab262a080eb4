"""`albefkit evaluate`: figures, a line per item, and how they came about."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import albefkit
from albefkit.evaluation.base import Result
from albefkit.models.predictions import prediction_lines
from albefkit.models.protocol import training
from albefkit.recipe.load import load_recipe
from tests.models.conftest import ANSWERS, BARE, CLASSES, command


def evaluate(run: Path, *options: object, out: str = "out") -> tuple[dict, list[dict]]:
    """What `metrics.json` and `predictions.jsonl` say."""
    assert command("evaluate", run, "--out", out, *options) == 0
    lines = Path(out, "predictions.jsonl").read_text().splitlines()
    return json.loads(Path(out, "metrics.json").read_text()), [json.loads(each) for each in lines]


def test_the_last_weights_give_what_the_run_measured(pretrained, capsys):
    found, lines = evaluate(pretrained, "--weights", "last")
    summary = json.loads((pretrained / "summary.json").read_text())
    assert found["evaluators"]["retrieval"]["metrics"] == summary["retrieval"]
    items = json.loads((pretrained / "eval" / "retrieval.json").read_text())["items"]
    assert [line["text_rank"] for line in lines] == items["text_rank"]
    assert lines[3]["images"] == "scene 3" and lines[3]["evaluator"] == "retrieval"
    out = capsys.readouterr().out
    assert "retrieval.text_r1" in out and "out/metrics.json" in out
    assert found["protocol"]["step"] == 4
    best, _ = evaluate(pretrained, out="best")
    assert best["protocol"]["step"] == 2


def test_the_protocol_says_how_figures_came_about(pretrained):
    found, _ = evaluate(pretrained)
    protocol, own = found["protocol"], found["evaluators"]["retrieval"]["protocol"]
    assert protocol["training"] == "pre-trained"
    assert protocol["transfer"] == "pre-trained on the training split of these data"
    assert (protocol["resolution"], protocol["precision"]) == (32, "fp32")
    assert (own["rerank"], own["split"], own["contamination"]) == (128, "test", "unknown")
    manifest = json.loads((pretrained / "manifest.json").read_text())
    assert own["fingerprint"] != manifest["data"]["train"]
    found, _ = evaluate(pretrained, "--split", "train", out="seen")
    own = found["evaluators"]["retrieval"]["protocol"]
    assert own["fingerprint"] == manifest["data"]["train"]
    assert own["contamination"] == "the evaluated items are those it was trained on"


def test_other_data_are_zero_shot(pretrained):
    options = ("--set", "data.test=12", "--set", "data.seed=7")
    found, lines = evaluate(pretrained, *options, "--set", "evaluate.retrieval.rerank=3")
    assert found["protocol"]["transfer"] == "zero-shot, straight from pre-training"
    assert found["protocol"]["data"]["seed"] == 7
    assert found["evaluators"]["retrieval"]["protocol"]["rerank"] == 3
    assert len(lines) == 12


def test_only_data_and_evaluators_change(pretrained, capsys):
    assert command("evaluate", pretrained, "--set", "model.vision.width=32") == 2
    err = capsys.readouterr().err
    assert "model.vision.width: 16 -> 32" in err and "only data, evaluate" in err


def test_an_evaluator_of_another_kind(answerer, capsys):
    found, _ = evaluate(answerer, "--on", "vqa", "--set", "evaluate.vqa.k=2")
    assert set(found["evaluators"]) == {"vqa"}
    assert found["evaluators"]["vqa"]["protocol"]["k"] == 2
    assert command("evaluate", answerer, "--on", "classification") == 2
    assert "classification needs a head" in capsys.readouterr().err
    assert command("evaluate", answerer, "--on", "retreival") == 2
    assert "Did you mean 'retrieval'?" in capsys.readouterr().err


def test_answers_in_the_form_of_the_servers(answerer):
    found, lines = evaluate(answerer)
    answers = json.loads(Path("out/vqa_answers.json").read_text())
    assert [each["question_id"] for each in answers] == list(range(100, 112))
    assert {each["answer"] for each in answers} <= set(ANSWERS)
    assert set(answers[0]) == {"question_id", "answer"}
    written = json.loads(Path("out/vqa_generated_answers.json").read_text())
    assert [each["question_id"] for each in written] == list(range(100, 112))
    assert [line["answer"] for line in lines] == [each["answer"] for each in answers]
    root, places = answerer.parent / "data", range(12)
    images = [root / f"{place % 4}.png" for place in places]
    questions = [f"what colour is number {place}?" for place in places]
    assert albefkit.load(answerer).answer(images, questions) == [line["answer"] for line in lines]
    freely = albefkit.load(answerer).answer(images, questions, [])
    assert freely == [line["generated"] for line in lines]
    right = sum(line["score"] for line in lines)
    assert found["evaluators"]["vqa"]["metrics"]["accuracy"] == pytest.approx(100 * right / 12)
    assert found["protocol"]["training"] == "trained for its task from nothing"


def test_a_classifier_on_other_data_than_its_own(classifier, tmp_path, capsys):
    assert command("evaluate", classifier, "--out", "gone") == 3
    assert "there is no folder" in capsys.readouterr().err
    assert not Path("gone").exists()
    root = tmp_path / "other"
    root.mkdir()
    photo = classifier.parent / "photo.png"
    shutil.copy(_any_picture(photo), root / "a.png")
    entries = [{"image": "a.png", "sentence": f"dog {n}", "label": CLASSES[2]} for n in range(5)]
    (root / "test.json").write_text(json.dumps(entries))
    found, lines = evaluate(classifier, "--set", f"data.root={root}")
    assert found["protocol"]["transfer"].startswith("zero-shot")
    table = found["evaluators"]["classification"]
    assert table["classes"] == list(CLASSES) and len(table["confusion"]) == 3
    assert [line["label"] for line in lines] == ["entailment"] * 5
    said = albefkit.load(classifier).classify(root / "a.png", [f"dog {n}" for n in range(5)])
    wanted = pytest.approx([line["probability"] for line in lines], rel=1e-4)
    assert [each["entailment"] for each in said] == wanted
    assert command("evaluate", classifier, "--set", f"data.root={root}", "--split", "val") == 3
    assert "there is no split 'val'; there are: test" in capsys.readouterr().err


def test_classes_that_mean_something_else_are_refused(classifier, capsys):
    options = ("--set", "data.type=nlvr", "--set", "data.root=.", "--set", "data.images=1")
    assert command("evaluate", classifier, *options) == 3
    err = capsys.readouterr().err
    assert "the data's classes are false, true" in err
    assert "head 'classification' tells apart contradiction, neutral, entailment" in err


def test_nothing_is_overwritten(pretrained, capsys):
    Path("full").mkdir()
    Path("full/thesis.tex").touch()
    assert command("evaluate", pretrained, "--out", "full") == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_without_out_it_goes_into_the_run(pretrained, tmp_path):
    run = shutil.copytree(pretrained, tmp_path / "run")
    assert command("evaluate", run) == 0
    (folder,) = (run / "evaluations").iterdir()
    assert {path.name for path in folder.iterdir()} == {"metrics.json", "predictions.jsonl"}


def test_a_saved_model_is_evaluated_too(pretrained):
    albefkit.load(pretrained).save_pretrained("saved")
    assert evaluate(Path("saved"))[0] == evaluate(pretrained, out="second")[0]


def test_lines_of_images_and_of_texts():
    items: dict[str, list[object]] = {
        "images": ["a", "b"],
        "owner": [0, 0, 1],
        "text_rank": [4, 5],
        "image_rank": [6, 7, 8],
    }
    lines = list(prediction_lines({"retrieval": Result("test", {}, 0.0, items=items)}))
    start = {"evaluator": "retrieval"}
    assert lines[1] == start | {"item": 1, "images": "b", "text_rank": 5}
    assert lines[2] == start | {"item": 0, "owner": 0, "image_rank": 6}
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("objectives", "init", "kind"),
    [
        ({}, None, "pre-trained"),
        ({}, "runs/x", "pre-trained"),
        ({"mlm": None}, "runs/x", "fine-tuned"),
        ({"mlm": None}, None, "pre-trained"),
        ({**BARE, "answer": {}}, "runs/x", "fine-tuned"),
        ({**BARE, "answer": {}}, None, "trained for its task from nothing"),
    ],
)
def test_kinds_of_training(tmp_path, objectives, init, kind):
    path = tmp_path / "recipe.yaml"
    content = {"extends": "albef_tiny", "objectives": objectives, "init": init}
    path.write_text(json.dumps(content))
    assert training(load_recipe(path)) == kind


def _any_picture(path: Path) -> Path:
    from PIL import Image

    Image.new("RGB", (20, 20), "red").save(path)
    return path
