"""Trained micro models: one that compares and matches, one that classifies, one that answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from albefkit.cli.main import main

MICRO = Path(__file__).parents[1] / "micro.yaml"
SENTENCES = ("a red square", "a blue circle", "two green lines", "nothing at all")
CLASSES = ("contradiction", "neutral", "entailment")
ANSWERS = ("red", "blue", "dark green")
BARE = {"itc": None, "itm": None, "mlm": None, "mod": None}


def command(*arguments: object) -> int:
    """The command line's exit code."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


@pytest.fixture(autouse=True)
def home(tmp_path_factory, tmp_path, monkeypatch):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.chdir(tmp_path)


def picture(number: int) -> np.ndarray:
    """`(24, 30, 3)` uint8, another for every number."""
    return np.random.default_rng(number).integers(0, 255, (24, 30, 3), dtype=np.uint8)


@pytest.fixture
def photo(tmp_path) -> Path:
    """A picture in a file."""
    path = tmp_path / "photo.png"
    Image.fromarray(picture(0)).save(path)
    return path


def train(folder: Path, recipe: dict, *options: str) -> Path:
    """Train a recipe on top of the micro one for four steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALBEFKIT_HOME", str(folder / "home"))
        written = folder / "toy.yaml"
        written.write_text(yaml.safe_dump({"extends": str(MICRO), **recipe}))
        out = folder / "run"
        assert command("run", written, "--out", out, "--max-steps", 4, *options) == 0
    return out


def write_data(folder: Path, entries: list[dict]) -> Path:
    """Entries about a few pictures, as every split of a dataset in files."""
    folder.mkdir()
    for number in range(4):
        Image.fromarray(picture(number)).save(folder / f"{number}.png")
    for split in ("train", "val", "test"):
        (folder / f"{split}.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory) -> Path:
    """A run of ITC, ITM and MLM on scenes, with a best checkpoint before its last."""
    folder = tmp_path_factory.mktemp("pretrained")
    run = train(folder, {}, "--set", "train.batch_size=32", "--set", "train.evaluate_every=1")
    checkpoints = run / "checkpoints"
    (checkpoints / "best").write_text("step_00000002\n")
    return run


@pytest.fixture(scope="session")
def classifier(tmp_path_factory) -> Path:
    """A run of classification; its data are gone."""
    folder = tmp_path_factory.mktemp("classifier")
    entries = [
        {"image": f"{n % 4}.png", "sentence": SENTENCES[n % 4], "label": CLASSES[n % 3]}
        for n in range(12)
    ]
    root = write_data(folder / "data", entries)
    recipe = {
        "objectives": {**BARE, "classification": {}},
        "data": {"type": "entailment", "root": str(root)},
        "evaluate": {"retrieval": None, "classification": {}},
    }
    run = train(folder, recipe)
    shutil.rmtree(root)
    return run


@pytest.fixture(scope="session")
def answerer(tmp_path_factory) -> Path:
    """A run of question answering; its data are in `../data`."""
    folder = tmp_path_factory.mktemp("answerer")
    entries = [
        {
            "image": f"{n % 4}.png",
            "question": f"what colour is number {n}?",
            "answer": ANSWERS[n % 3],
            "question_id": 100 + n,
            "dataset": "vqa",
        }
        for n in range(12)
    ]
    root = write_data(folder / "data", entries)
    (root / "answer_list.json").write_text(json.dumps(ANSWERS))
    recipe = {
        "objectives": {**BARE, "answer": {}},
        "data": {"type": "vqa", "root": str(root)},
        "evaluate": {"retrieval": None, "vqa": {}},
    }
    return train(folder, recipe)


@pytest.fixture(scope="session")
def comparer(tmp_path_factory) -> Path:
    """A run of classification that looks at two images at once."""
    folder = tmp_path_factory.mktemp("comparer")
    entries = [
        {"images": [f"{n % 4}.png", f"{n % 3}.png"], "sentence": SENTENCES[n % 4], "label": "True"}
        for n in range(12)
    ]
    fusion = {"type": "paired-cross-attention", "images": 2, "pretrained": False}
    recipe = {
        "model": {"fusion": fusion | {"from_layer": 1, "layers": 1, "heads": 2}},
        "objectives": {**BARE, "classification": {}},
        "data": {"type": "nlvr", "root": str(write_data(folder / "data", entries))},
        "evaluate": {"retrieval": None, "classification": {}},
    }
    return train(folder, recipe)
