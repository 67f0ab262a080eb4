"""Answers to questions, word by word: what is asked, what it costs, what a decoder begins as."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from albefkit.assemble import Assembly, assemble
from albefkit.data.base import Dataset, Item, Split, WeightedAnswers
from albefkit.data.sampler import Order
from albefkit.engine.step import Step
from albefkit.evaluation.answer_ranking import log_likelihood
from albefkit.feeding import train_loader
from albefkit.fusion.base import Fusion
from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.objectives.answer import Answer
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from albefkit.tensors import Fused
from albefkit.text.base import TextEncoder
from albefkit.text.tokenizer import Roles
from albefkit.vision.base import VisionEncoder

MICRO = Path(__file__).parents[1] / "micro.yaml"
START = Progress(step=0, steps_per_epoch=4, epochs=1)
NAMES = ("red", "dark green", "blue")
BOTH_LAYERS = "model.fusion={layers: 2, dropout: 0.0}"


class ColoursSplit(Split):
    fingerprint = "colours"

    def __len__(self):
        return 32

    def item(self, index, rng):
        colour = index % 3
        picture = np.zeros((32, 32, 3), np.uint8)
        picture[..., colour] = 255
        answers = WeightedAnswers((NAMES[colour],), (1.0,), (NAMES[colour],))
        if index % 4 == 0:
            answers = WeightedAnswers.counted([NAMES[colour]] * 3 + ["dark"])
        return Item(picture, "what colour", index, {"answers": answers})

    def captions(self):
        return ["what colour", *NAMES] * 2


class Colours(Dataset):
    def __init__(self, *, images: int = 1) -> None:
        self._images = images

    @property
    def images_per_text(self):
        return self._images

    def split(self, name):
        return ColoursSplit()


class Other(Fusion):
    """Fusion without layers that a decoder could begin as."""

    def __init__(self, vision: VisionEncoder, text: TextEncoder, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = text.width
        self.layers = nn.ModuleList([nn.Linear(vision.width, text.width)])

    def forward(self, image, text, image_index, text_index):
        tokens = text.tokens[text_index]
        return Fused(tokens, None, tokens[:, 0])


@pytest.fixture(autouse=True)
def known():
    with Colours.register("colours"), Other.register("other"), Answer.register("reply"):
        yield


def build(*sets: str) -> Assembly:
    edits = [
        "objectives={itc: null, itm: null, mlm: null, mod: null, reply: {}}",
        "data={type: colours}",
        "model.text.dropout=0.0",
        "model.fusion.dropout=0.0",
        "augment.flip=never",
        *sets,
    ]
    return assemble(load_recipe(MICRO, sets=edits))


def take(assembly: Assembly) -> Step:
    batch = next(train_loader(assembly, Order(0, 32, 8)).batches())
    return assembly.pretrainer.step(batch, START)


def test_the_loss_is_the_weighted_cost_of_every_answer_per_question():
    assembly = build()
    step = take(assembly)
    decoder, answers = assembly.pretrainer.student.heads["reply"], step.batch.fields["answers"]
    asked, fused = step.batch.text.mask, step.student.fused("reply").text_tokens
    assert len(answers.weight) > 8
    total = torch.zeros(())
    for number, question in enumerate(answers.question.tolist()):
        length = int(answers.text.mask[number].sum())
        ids = answers.text.ids[number : number + 1, :length]
        memories = decoder.remember(fused[question, None], asked[question, None])
        states = decoder.read(ids, torch.ones_like(ids).bool(), memories)
        cost = F.cross_entropy(decoder.judge(states[0, :-1]), ids[0, 1:], reduction="sum")
        total = total + answers.weight[number] * cost
    choice = step.predictions["reply"]
    torch.testing.assert_close(choice.loss(), total / 8)
    said = answers.text.ids[:, 1:][answers.text.mask[:, 1:]]
    assert torch.equal(choice.answers, said)


def test_chance_is_guessing_each_word():
    step = take(build())
    choice = step.predictions["reply"]
    knows_nothing = torch.zeros_like(choice.logits)
    guessed = F.cross_entropy(knows_nothing, choice.answers, reduction="none") * choice.weight
    torch.testing.assert_close(torch.as_tensor(choice.chance), guessed.sum() / 8)


def test_an_untrained_decoder_is_worth_chance_and_learns_to_look():
    assembly = build("model.vision.initial_std=0.2", "model.fusion.initial_std=0.2")
    pretrainer = assembly.pretrainer
    optimizer = torch.optim.AdamW(pretrainer.parameters(), lr=1e-2)
    losses = []
    for number, batch in enumerate(train_loader(assembly, Order(0, 32, 8)).batches(0, 80)):
        report = pretrainer(batch, Progress(step=number, steps_per_epoch=4, epochs=20))
        optimizer.zero_grad()
        report.loss.backward()
        optimizer.step()
        losses.append(report.loss.item())
    assert losses[0] == pytest.approx(float(report.floors["reply"]), rel=0.2)
    # Half of what it costs to know the names and not the picture.
    assert sum(losses[-8:]) / 8 < math.log(len(NAMES)) / 2


def test_the_teacher_is_asked_the_same():
    step = take(build("objectives.mod={alpha: 0.4}"))
    choice = step.predictions["reply"]
    answer = step.objectives["reply"].predict(step, step.teacher).logits
    said = F.one_hot(choice.answers, answer.shape[1])
    torch.testing.assert_close(choice.advice, 0.6 * said + 0.4 * answer.softmax(1))
    own = step.teacher.network.heads["reply"].state_dict()
    assert set(own) == set(step.student.network.heads["reply"].state_dict())


def test_padding_of_longer_views_is_not_looked_at():
    """Another objective's texts may be longer, and pad the questions."""
    alone, along = take(build()), take(build("objectives.mlm={}", "objectives.mlm.weight=0.0"))
    first, second = (step.predictions["reply"] for step in (alone, along))
    torch.testing.assert_close(first.loss(), second.loss())


def test_a_decoder_begins_as_fusion_and_shares_nothing_with_it():
    student = build(BOTH_LAYERS).pretrainer.student
    decoder, fusion = student.heads["reply"], student.fusion
    ours, theirs = decoder.layers.state_dict(), fusion.layers.state_dict()
    assert set(ours) == set(theirs)
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name
        assert tensor.data_ptr() != theirs[name].data_ptr()
    words = decoder.embeddings.word_embeddings.weight
    assert torch.equal(words, student.text.word_embeddings.weight)
    assert words is not student.text.word_embeddings.weight


def test_it_looks_at_tokens_of_its_own_width():
    vision = "{name: vit_base_patch16_224, image_size: 32, patch_size: 16, width: 24, depth: 1}"
    student = build(f"model.vision={vision}", "model.vision.heads=2").pretrainer.student
    layer, theirs = student.heads["reply"].layers[0], student.fusion.layers[0]
    assert theirs.cross_attention.key.in_features == 24
    assert layer.cross_attention.key.in_features == 16
    spreads = [each.cross_attention.key.weight.std().item() for each in (layer, theirs)]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.2)
    assert torch.equal(layer.feed_forward.expand.weight, theirs.feed_forward.expand.weight)


def test_it_can_be_sized_without_memory_for_it():
    pretrainer = build().pretrainer
    with torch.device("meta"):
        decoder = pretrainer.objectives["reply"].head(pretrainer.student.to("meta"))
    assert {each.device.type for each in decoder.parameters()} == {"meta"}


def test_layers_and_dropout_can_be_said():
    student = build(BOTH_LAYERS, "objectives.reply={layers: 1, dropout: 0.3}").pretrainer.student
    decoder = student.heads["reply"]
    assert len(decoder.layers) == 1
    assert {part.p for part in decoder.modules() if isinstance(part, nn.Dropout)} == {0.3}
    assert decoder.layers[0].self_attention.dropout == 0.3


def filled(assembly: Assembly, ancestor: dict[str, torch.Tensor]) -> LoadReport:
    found = assembly.pretrainer.objectives["reply"].inherit(ancestor)
    return load_tensors(assembly.pretrainer.student.heads["reply"], found, source="ancestor")


@pytest.mark.parametrize("text", ["bert", "embeddings"])
def test_it_inherits_from_a_pretrained_network(text):
    """Spec 5.1: fusion's layers, the embeddings of the text encoder, the MLM head."""
    words = [] if text == "bert" else ["model.text={type: embeddings, width: 16, dropout: 0.0}"]
    pretrained = ["objectives.reply=null", "objectives.mlm={}", BOTH_LAYERS, *words]
    ancestor = build(*pretrained, "train.seed=7").pretrainer.student.state_dict()
    heir = build(BOTH_LAYERS, *words)
    report = filled(heir, ancestor)
    assert not report.names("fresh") and not report.names("dropped")
    decoder = heir.pretrainer.student.heads["reply"]
    for number in range(2):
        theirs = ancestor[f"fusion.layers.{number}.cross_attention.key.weight"]
        assert torch.equal(decoder.layers[number].cross_attention.key.weight, theirs)
    for name in ("dense.weight", "norm.weight", "bias"):
        assert torch.equal(decoder.words.get_parameter(name), ancestor[f"heads.mlm.{name}"])
    place = "model.embeddings.word_embeddings" if text == "bert" else "words"
    theirs = ancestor[f"text.{place}.weight"]
    assert torch.equal(decoder.embeddings.word_embeddings.weight, theirs)


def test_student_and_teacher_begin_as_those_that_init_names(tmp_path):
    distilled = ["objectives.mod={alpha: 0.4}", "objectives.mod.of=null", BOTH_LAYERS]
    ancestor = build("objectives.reply=null", "objectives.mlm={}", *distilled).pretrainer
    for parameter in ancestor.teacher.parameters():
        parameter += 0.5
    save_file(dict(ancestor.state_dict()), tmp_path / "pretrained.safetensors")
    heir = build(*distilled, "train.seed=7", f"init={tmp_path / 'pretrained.safetensors'}")
    for begun, source in (
        (heir.pretrainer.student, ancestor.student),
        (heir.pretrainer.teacher.network, ancestor.teacher.network),
    ):
        ours, theirs = begun.heads["reply"], source.fusion.layers
        assert torch.equal(
            ours.layers[1].feed_forward.expand.weight, theirs[1].feed_forward.expand.weight
        )
        assert torch.equal(ours.words.bias, source.heads["mlm"].bias)


def test_fewer_layers_inherit_the_first():
    ancestor = build(BOTH_LAYERS, "train.seed=7").pretrainer.student.state_dict()
    ancestor = {name: each for name, each in ancestor.items() if not name.startswith("heads.")}
    heir = build(BOTH_LAYERS, "objectives.reply.layers=1")
    report = filled(heir, ancestor)
    assert not report.names("dropped")
    assert all(name.startswith("words.") for name in report.names("fresh"))
    ours = heir.pretrainer.student.heads["reply"].layers[0].self_attention.query.weight
    assert torch.equal(ours, ancestor["fusion.layers.0.self_attention.query.weight"])


def test_a_decoder_of_the_same_name_comes_first():
    ancestor = build("train.seed=7").pretrainer.student.state_dict()
    for name in ancestor:
        if name.startswith("heads.reply."):
            ancestor[name] = ancestor[name] + 1.0
    heir = build()
    filled(heir, ancestor)
    for name, tensor in heir.pretrainer.student.heads["reply"].state_dict().items():
        assert torch.equal(tensor, ancestor[f"heads.reply.{name}"]), name


def test_bare_embeddings_serve_as_well():
    assembly = build("model.text={type: embeddings, width: 16, dropout: 0.0}")
    step = take(assembly)
    assert step.predictions["reply"].loss().isfinite()


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["data.images=2"], "is about 2 images, and CrossAttention shows it 1"),
        (["model.fusion={type: other}"], "begins as layers of fusion, and Other has no such"),
        (["objectives.reply.layers=3"], "layers is 3, and fusion has 1"),
        (["data={type: scenes, train: 32, size: 32}"], "the data have no answers"),
    ],
)
def test_what_cannot_be_answered_is_refused(sets, message):
    with pytest.raises(ComponentError, match=rf"objectives\.reply(.|\n)*{message}"):
        take(build(*sets))


def test_a_tokenizer_that_cannot_close_an_answer_is_refused(monkeypatch):
    student = build().pretrainer.student
    monkeypatch.setattr(student.text.tokenizer, "roles", Roles(sep="</s>"))
    with pytest.raises(ComponentError, match=r"closed by \[SEP\]"):
        Answer("reply", Colours()).head(student)


def test_the_evaluator_means_the_same_by_the_probability_of_an_answer():
    assembly = build()
    step = take(assembly)
    answers = step.batch.fields["answers"]
    decoder = assembly.pretrainer.student.heads["reply"]
    memories = decoder.remember(step.student.fused("reply").text_tokens, step.batch.text.mask)
    each = torch.arange(len(answers.weight))
    likely = log_likelihood(decoder, memories, answers.text, answers.question, each, rows=3)
    cost = -(likely * answers.weight).sum() / 8
    torch.testing.assert_close(step.predictions["reply"].loss(), cost)
