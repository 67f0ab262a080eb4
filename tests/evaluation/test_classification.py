"""Accuracy of a classifier that says what colour a picture has."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from albefkit.alignment.space import NoSpace
from albefkit.cli.main import main
from albefkit.data.base import Dataset, Item, Split, Unreadable
from albefkit.evaluation import reading
from albefkit.evaluation.base import Result, Subject
from albefkit.evaluation.classification import Classify
from albefkit.network import Network
from albefkit.registry.errors import AlbefkitWarning, ComponentError, DataError
from albefkit.tensors import IGNORED, Encoded, Fused, TextView

COLOURS = ("red", "green", "blue")
SEEN = [0, 0, 1, 2, 0, 1, 1]
"""What is in each picture, which is what the network says."""
LABELS = [0, 1, 1, 2, 0, 0, 1]


class Sees(nn.Module):
    reads = ("images",)

    def forward(self, images):
        tokens = images.flatten(2).mean(2)[:, None]
        return Encoded(tokens, None, tokens[:, 0])


class Reads(nn.Module):
    max_tokens = 4

    class tokenizer:  # noqa: N801
        @staticmethod
        def encode(texts, max_tokens=None):
            return TextView(torch.ones(len(texts), 1).long(), torch.ones(len(texts), 1).bool())

    def forward(self, ids, mask):
        return Encoded(ids[..., None].float(), mask, ids.float())


class Fuses(nn.Module):
    images, width = 1, 3

    def forward(self, image, text, image_index, text_index):
        pooled = image.pooled[image_index.reshape(len(text_index), -1)[:, -1]]
        return Fused(text.tokens[text_index], None, pooled)


class Pictures(Split):
    fingerprint = "pictures"

    def __init__(self, seen, labels: Sequence[int | None], images: int, broken: int | None):
        self._seen, self._labels, self._images, self._broken = seen, labels, images, broken

    def __len__(self):
        return len(self._seen)

    def item(self, index, rng):
        if index == self._broken:
            raise Unreadable(f"{index}.jpg", "cut off")
        picture = np.zeros((2, 2, 3), np.uint8)
        picture[..., self._seen[index]] = 255
        blank = [np.zeros_like(picture)] * (self._images - 1)
        first, *others = [*blank, picture]
        label = self._labels[index]
        fields = {} if label is None else {"label": label}
        return Item(first, "which", index, fields, tuple(others))

    def captions(self):
        return ["which"]


class Coloured(Dataset):
    def __init__(self, split: Split, classes: Sequence[str] = COLOURS) -> None:
        self._split, self._classes = split, tuple(classes)
        self.asked: list[str] = []

    @property
    def classes(self):
        return self._classes

    def split(self, name):
        self.asked.append(name)
        return self._split


def subject(seen=SEEN, labels=LABELS, *, images=1, broken=None, batch_size=3) -> Subject:
    network = Network(Sees(), Reads(), Fuses(), None)  # type: ignore[arg-type]
    network.heads["classification"] = nn.Identity()
    return Subject(
        network=network.eval(),
        space=NoSpace(),
        dataset=Coloured(Pictures(seen, labels, images, broken)),
        transform=lambda image: torch.from_numpy(image).permute(2, 0, 1) / 255,
        batch_size=batch_size,
    )


def evaluate(who: Subject | None = None, **parameters) -> Result:
    return Classify(**parameters).evaluate(who or subject())


@pytest.mark.parametrize("batch_size", [1, 3, 50])
@pytest.mark.parametrize("images", [1, 2])
def test_accuracy_in_all_and_of_each_class(batch_size, images):
    result = evaluate(subject(batch_size=batch_size, images=images))
    assert result.metrics == pytest.approx(
        {
            "accuracy": 100 * 5 / 7,
            "accuracy_red": 100 * 2 / 3,
            "accuracy_green": 100 * 2 / 3,
            "accuracy_blue": 100.0,
            "majority": 100 * 3 / 7,
        }
    )
    assert result.score == result.metrics["accuracy"]
    assert result.chance["accuracy"] == result.chance["accuracy_red"] == pytest.approx(100 / 3)
    assert "majority" not in result.chance


def test_samples_are_images_and_their_means_the_metrics(monkeypatch):
    item = Pictures.item

    def shared(self, index, rng):
        return replace(item(self, index, rng), image_id=40 + index // 4)

    monkeypatch.setattr(Pictures, "item", shared)
    result = evaluate(subject(labels=[0, 1, None, 2, 0, 0, IGNORED]))
    assert result.sampled == ["image 40", "image 41"]
    assert set(result.samples) == set(result.metrics) - {"majority"}
    for name, figures in result.samples.items():
        assert np.mean(figures) == pytest.approx(result.metrics[name], abs=1e-12)
    assert result.samples["accuracy"] == pytest.approx([2 * 200 / 6, 100 / 6 * 2])
    assert result.samples["accuracy_blue"] == [200.0, 0.0]


def test_items_can_be_paired():
    items = evaluate().items
    assert items["index"] == list(range(7))
    assert items["label"] == [COLOURS[label] for label in LABELS]
    assert items["prediction"] == [COLOURS[seen] for seen in SEEN]
    sure, unsure = math.e / (math.e + 2), 1 / (math.e + 2)
    right = [seen == label for seen, label in zip(SEEN, LABELS, strict=True)]
    assert items["probability"] == pytest.approx([sure if each else unsure for each in right])


def test_rows_of_the_confusion_are_labels():
    items = evaluate().items
    assert items["classes"] == list(COLOURS)
    assert items["confusion"] == [[2, 1, 0], [1, 2, 0], [0, 0, 1]]


def test_a_label_that_is_no_class_is_missed():
    result = evaluate(subject([0, 1, 0], [0, -100, 0]))
    assert result.metrics == pytest.approx(
        {"accuracy": 200 / 3, "accuracy_red": 100.0, "majority": 200 / 3}
    )
    assert result.items["label"] == ["red", None, "red"]
    assert result.items["probability"][1] == 0.0
    assert result.items["confusion"] == [[2, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_items_without_a_label_are_classified_and_not_scored():
    result = evaluate(subject([0, 1, 0], [0, None, 1]))
    assert result.metrics == {
        "accuracy": 50.0,
        "accuracy_red": 100.0,
        "accuracy_green": 0.0,
        "majority": 50.0,
    }
    assert result.items["prediction"] == ["red", "green", "red"]
    assert result.items["label"][1] is result.items["probability"][1] is None
    nothing = evaluate(subject([0, 1], [None, None]))
    assert nothing.metrics == {} and nothing.items["prediction"] == ["red", "green"]


def test_a_class_that_does_not_occur_has_no_accuracy():
    metrics = evaluate(subject([0, 1], [0, 0])).metrics
    assert metrics == {"accuracy": 50.0, "accuracy_red": 50.0, "majority": 100.0}


def test_many_classes_are_not_reported_one_by_one():
    who = subject()
    names = [f"answer {number}" for number in range(11)]
    network = who.network
    network.heads["classification"] = nn.ConstantPad1d((0, 8), -1.0)
    result = evaluate(replace(who, dataset=Coloured(Pictures(SEEN, LABELS, 1, None), names)))
    assert set(result.metrics) == {"accuracy", "majority"}
    assert "confusion" not in result.items
    assert result.chance == {"accuracy": pytest.approx(100 / 11)}


def test_only_so_many_items():
    result = evaluate(limit=4)
    assert result.items["index"] == [0, 1, 2, 3]
    assert result.metrics["majority"] == 50.0


def test_the_split_is_the_callers_or_its_own():
    who = subject()
    assert Classify().evaluate(who, "val").split == "val"
    assert Classify(split="train").evaluate(who).split == "train"
    assert who.dataset.asked == ["val", "train"]


def test_an_unreadable_image_is_left_out(monkeypatch):
    monkeypatch.setattr(reading, "TOLERATED", 0.2)
    with pytest.warns(AlbefkitWarning, match=r"1\.jpg"):
        result = evaluate(subject(broken=1))
    assert result.items["index"] == [0, 2, 3, 4, 5, 6]
    assert result.metrics["accuracy"] == pytest.approx(100 * 5 / 6)


def test_a_network_without_the_head_is_refused():
    with pytest.raises(ComponentError, match="head 'mine', and this network's are: classification"):
        evaluate(head="mine")


def test_data_with_other_classes_are_refused():
    who = subject()
    data = Coloured(Pictures(SEEN, LABELS, 1, None), ["true", "false"])
    with pytest.raises(ComponentError, match="tells 3 classes apart, and the data have 2"):
        evaluate(replace(who, dataset=data))


def test_an_empty_split_is_an_error():
    with pytest.raises(DataError, match="'test' has no items"):
        evaluate(subject([], []))


def test_a_whole_run_on_files(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))
    labels = ("contradiction", "entailment")
    rows = [
        {"image": "ab"[n % 2], "sentence": "it is dark", "label": labels[n % 2]} for n in range(16)
    ]
    for name, shade in (("a", 0), ("b", 255)):
        Image.new("RGB", (32, 32), (shade,) * 3).save(tmp_path / f"{name}.jpg")
    for split in ("train", "test"):
        (tmp_path / f"{split}.json").write_text(json.dumps(rows))
    out = tmp_path / "run"
    recipe = Path(__file__).parents[1] / "micro.yaml"
    sets = [
        "objectives={itc: null, itm: null, mlm: null, classification: {}}",
        f"data={{type: entailment, root: {tmp_path}}}",
        "evaluate={retrieval: null, classification: {}}",
        "train.steps=24",
        "train.length_buckets=1",
        "train.evaluate_every=6",
        "optimizer.lr.peak=0.003",
    ]
    edits = [part for each in sets for part in ("--set", each)]
    with pytest.raises(SystemExit) as leaving:
        main(["run", str(recipe), "--out", str(out), *edits])
    assert leaving.value.code in (0, None), capsys.readouterr()
    metrics = json.loads((out / "summary.json").read_text())["classification"]
    assert metrics["majority"] == 50.0 and metrics["accuracy"] == 100.0
    items = json.loads((out / "eval" / "classification.json").read_text())["items"]
    assert items["label"] == items["prediction"] == [row["label"] for row in rows]
    assert items["confusion"] == [[8, 0, 0], [0, 0, 0], [0, 0, 8]]
