"""Answering questions about colours, from a list and freely."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from albefkit import feeding
from albefkit.assemble import Assembly, assemble
from albefkit.cli.main import main
from albefkit.data.base import Dataset, Item, Split, WeightedAnswers
from albefkit.data.sampler import Order
from albefkit.data.text import pre_question
from albefkit.engine.precision import Precision, PrecisionName
from albefkit.evaluation.base import Result, Subject
from albefkit.evaluation.fused_items import fused_items
from albefkit.evaluation.vqa import AnswerQuestions
from albefkit.evaluation.vqa_metric import agreement, normalise
from albefkit.objectives.answer import Answer
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError, DataError

MICRO = Path(__file__).parents[1] / "micro.yaml"
NAMES = ("red", "dark green", "blue", "Don't know")
GIVEN = [
    ["red"] * 10,
    ["Dark green"] * 5 + ["green"] * 2 + ["the dark green"] * 3,
    ["blue"],
    ["red"] * 3 + ["pink"] * 7,
    ["dark green"],
    ["blue"],
]
COLOURS = [0, 1, 2, 0, 1, 2]


class ColoursSplit(Split):
    fingerprint = "colours"

    def clean(self, text, max_words):
        return pre_question(text, max_words)

    def __init__(self, given: Sequence[Sequence[str] | None] = GIVEN, ids: bool = True) -> None:
        self._given, self._ids = given, ids

    def __len__(self):
        return len(self._given)

    def item(self, index, rng):
        picture = np.zeros((32, 32, 3), np.uint8)
        picture[..., index % 3] = 255
        given = self._given[index]
        fields = {} if given is None else {"answers": WeightedAnswers.counted(given)}
        if self._ids:
            fields["question_id"] = 100 + index
        return Item(picture, "what colour?" if index % 2 else "which", index, fields)

    def captions(self):
        return ["what colour which", *(name.lower() for name in NAMES)] * 2


class Colours(Dataset):
    def __init__(self) -> None:
        self.given = ColoursSplit()
        self.names: tuple[str, ...] = NAMES
        self.asked: list[str] = []

    @property
    def classes(self):
        return self.names

    def split(self, name):
        self.asked.append(name)
        return self.given


@pytest.fixture(autouse=True)
def known():
    with Colours.register("colours"), Answer.register("reply"):
        yield


def build() -> Assembly:
    edits = [
        "objectives={itc: null, itm: null, mlm: null, mod: null}",
        "objectives.answer={type: reply}",
        "data={type: colours}",
        "model.text.dropout=0.0",
        "model.vision.initial_std=0.2",
        "model.fusion={dropout: 0.0, initial_std: 0.2}",
        "augment.flip=never",
        "train.batch_size=6",
    ]
    return assemble(load_recipe(MICRO, sets=edits))


def subject(assembly: Assembly | None = None, precision: PrecisionName = "fp32") -> Subject:
    who = feeding.subject(assembly or build(), Precision(precision, torch.device("cpu")))
    who.network.eval()
    return replace(who, batch_size=4)


def opinionated() -> Subject:
    """An untrained network whose answers differ from question to question."""
    who = subject()
    torch.manual_seed(5)
    for parameter in who.network.heads["answer"].parameters():
        nn.init.normal_(parameter, std=0.7)
    return who


def shown(given: Sequence[Sequence[str] | None], **others: bool) -> Subject:
    who = opinionated()
    assert isinstance(who.dataset, Colours)
    who.dataset.given = ColoursSplit(given, **others)
    return who


@torch.no_grad()
def likelihoods(who: Subject) -> torch.Tensor:
    """Log-probability of every listed answer to every question, one at a time."""
    decoder, tokenizer = who.network.heads["answer"], who.network.text.tokenizer
    table = []
    for some in fused_items(replace(who, batch_size=1), who.dataset.split("test")):
        memories = decoder.remember(some.fused.text_tokens, some.text.mask)
        row = []
        for name in NAMES:
            view = tokenizer.encode([f"{name}[SEP]"])
            states = decoder.read(view.ids, view.mask, memories)[0, :-1]
            words = decoder.judge(states).log_softmax(1)
            row.append(words.gather(1, view.ids[0, 1:, None]).sum().item())
        table.append(row)
    return torch.tensor(table)


@pytest.mark.parametrize("batch_size", [1, 4, 50])
def test_the_most_probable_answer_of_the_list(batch_size):
    who = replace(opinionated(), batch_size=batch_size)
    items = AnswerQuestions().evaluate(who).items
    best = likelihoods(who).argmax(1).tolist()
    assert items["answer"] == [NAMES[number] for number in best]
    assert len(set(best)) > 1


def test_scores_follow_the_standard_rule():
    result = AnswerQuestions().evaluate(opinionated())
    for given, name in (("score", "answer"), ("generated_score", "generated")):
        expected = [
            agreement(told).get(normalise(str(answer)), 0.0)
            for told, answer in zip(GIVEN, result.items[name], strict=True)
        ]
        assert result.items[given] == pytest.approx(expected)
    mean = 100 * np.mean(result.items["score"])
    assert result.metrics["accuracy"] == result.score == pytest.approx(mean)
    mean = 100 * np.mean(result.items["generated_score"])
    assert result.metrics["generated_accuracy"] == pytest.approx(mean)


def test_samples_are_images_and_their_means_the_metrics(monkeypatch):
    item = ColoursSplit.item

    def shared(self, index, rng):
        return replace(item(self, index, rng), image_id=max(index, 3))

    monkeypatch.setattr(ColoursSplit, "item", shared)
    result = AnswerQuestions().evaluate(shown([*GIVEN[:4], None, GIVEN[5]]))
    assert result.sampled == ["image 3", "image 5"]
    assert set(result.samples) == {"accuracy", "generated_accuracy"}
    for name, figures in result.samples.items():
        assert np.mean(figures) == pytest.approx(result.metrics[name], abs=1e-12)
    scores = result.items["score"]
    assert result.samples["accuracy"] == pytest.approx([40 * sum(scores[:4]), 40 * scores[5]])


def test_majority_is_the_best_answer_to_everything():
    result = AnswerQuestions().evaluate(opinionated())
    always = {
        answer: np.mean([agreement(told).get(answer, 0.0) for told in GIVEN])
        for answer in ("red", "dark green", "blue", "pink", "green")
    }
    assert result.metrics["majority"] == pytest.approx(100 * max(always.values()))
    assert max(always, key=lambda answer: always[answer]) == "dark green"
    guessed = np.mean(
        [[agreement(told).get(normalise(name), 0.0) for name in NAMES] for told in GIVEN]
    )
    assert result.chance == {"accuracy": pytest.approx(100 * guessed)}


def test_every_question_can_be_found_again():
    assert AnswerQuestions().evaluate(opinionated()).items["question_id"] == [
        100, 101, 102, 103, 104, 105,
    ]  # fmt: skip
    without = AnswerQuestions(limit=3).evaluate(shown(GIVEN, ids=False))
    assert without.items["question_id"] == [0, 1, 2]


def test_questions_without_answers_are_answered_and_not_scored():
    whole = AnswerQuestions().evaluate(opinionated())
    some = AnswerQuestions().evaluate(shown([None, *GIVEN[1:5], None]))
    assert some.items["answer"] == whole.items["answer"]
    assert [score is None for score in some.items["score"]] == [True] + [False] * 4 + [True]
    assert some.metrics["accuracy"] == pytest.approx(100 * np.mean(whole.items["score"][1:5]))
    none = AnswerQuestions().evaluate(shown([None] * 6))
    assert none.metrics == {} and none.items["generated"] == whole.items["generated"]


def test_fewer_answers_are_looked_at():
    who = opinionated()
    first = AnswerQuestions(k=1).evaluate(who).items["answer"]
    assert first != AnswerQuestions().evaluate(who).items["answer"]


def test_the_released_double_count_changes_the_ranking():
    differ = 0
    for seed in range(5):
        who = subject()
        torch.manual_seed(seed)
        for parameter in who.network.heads["answer"].parameters():
            nn.init.normal_(parameter, std=0.7)
        right = AnswerQuestions().evaluate(who).items["answer"]
        differ += right != AnswerQuestions(double_count=True).evaluate(who).items["answer"]
    assert differ


def test_the_split_is_the_callers_or_its_own():
    who = subject()
    assert AnswerQuestions().evaluate(who, "val").split == "val"
    assert AnswerQuestions(split="train").evaluate(who).split == "train"
    assert who.dataset.asked[-2:] == ["val", "train"]


@pytest.mark.parametrize(("beams", "precision"), [(1, "fp32"), (3, "bf16")])
def test_what_was_learnt_is_answered(beams, precision):
    assembly = build()
    assembly.dataset.given = ColoursSplit([GIVEN[0], ["Don't know"], GIVEN[2]] * 8)
    pretrainer = assembly.pretrainer
    optimizer = torch.optim.AdamW(pretrainer.parameters(), lr=1e-2)
    batches = feeding.train_loader(assembly, Order(0, 24, 6)).batches(0, 110)
    for number, batch in enumerate(batches):
        report = pretrainer(batch, Progress(step=number, steps_per_epoch=4, epochs=30))
        optimizer.zero_grad()
        report.loss.backward()
        optimizer.step()
    result: Result = AnswerQuestions(beams=beams).evaluate(subject(assembly, precision))
    assert result.metrics["accuracy"] == result.metrics["generated_accuracy"] == 100.0
    assert result.metrics["majority"] == pytest.approx(100 / 3)
    assert result.items["generated"][:3] == ["red", "Don't know", "blue"]


def test_a_network_that_does_not_write_is_refused():
    who = subject()
    with pytest.raises(ComponentError, match=r"a head 'mine' that writes, and .* are: answer"):
        AnswerQuestions(head="mine").evaluate(who)
    who.network.heads["answer"] = nn.Linear(2, 2)
    with pytest.raises(ComponentError, match="a head 'answer' that writes"):
        AnswerQuestions().evaluate(who)


def test_data_without_a_list_are_refused():
    who = subject()
    who.dataset.names = ()
    with pytest.raises(DataError, match=r"no list of possible answers(.|\n)*answer_list\.json"):
        AnswerQuestions().evaluate(who)


def test_an_empty_split_is_an_error():
    with pytest.raises(DataError, match="'test' has no questions"):
        AnswerQuestions().evaluate(shown([]))


def test_a_whole_run_writes_every_answer(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))
    sets = [
        "objectives={itc: null, itm: null, mlm: null, answer: {type: reply}}",
        "data={type: colours}",
        "augment.flip=never",
        "evaluate={retrieval: null, vqa: {type: asking, beams: 2}}",
        "train={steps: 2, batch_size: 6}",
    ]
    edits = [part for each in sets for part in ("--set", each)]
    out = tmp_path / "run"
    with AnswerQuestions.register("asking"), pytest.raises(SystemExit) as leaving:
        main(["run", str(MICRO), "--out", str(out), *edits])
    assert leaving.value.code in (0, None), capsys.readouterr()
    metrics = json.loads((out / "summary.json").read_text())["vqa"]
    assert set(metrics) == {"accuracy", "generated_accuracy", "majority"}
    items = json.loads((out / "eval" / "vqa.json").read_text())["items"]
    assert items["question_id"] == [100, 101, 102, 103, 104, 105]
    assert set(items["answer"]) <= set(NAMES)
    assert np.mean(items["score"]) * 100 == pytest.approx(metrics["accuracy"])
