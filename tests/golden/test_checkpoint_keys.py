"""Which tensor of a pre-training checkpoint begins as which of a task (spec 13), at real depth.

The networks are real: twelve layers each, but narrow.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import yaml
from torch import Tensor, nn

from albefkit.assemble import Assembly, assemble
from albefkit.data import nlvr
from albefkit.data.entailment import Entailment
from albefkit.fusion.paired_attention import PairedCrossAttention
from albefkit.interop.layouts import (
    ENTAILMENT,
    LAYOUTS,
    NLVR,
    NLVR_ASSIGN,
    PRETRAIN,
    RETRIEVAL,
    VQA,
    Layout,
)
from albefkit.interop.released import to_released
from albefkit.interop.released_names import POSITION_IDS, QUEUES, twin
from albefkit.layers.answer_decoder import AnswerDecoder, WordEmbeddings
from albefkit.layers.cross_layer import CrossLayer
from albefkit.objectives.classification import Classification
from albefkit.recipe.load import load_recipe
from tests.golden.cases import fixed_dir
from tests.golden.released_run import Sizes, read_json, recorded_network
from tests.interop import parts

KEYS = fixed_dir("checkpoint_keys")
pytestmark = pytest.mark.skipif(KEYS is None, reason="the list of released keys is not here")
LAYERS = 12
NARROW = Sizes(vision_width=8, text_width=8, feed_forward=16, positions=32, shared_width=4)
LEFT_BEHIND = {*QUEUES, "queue_ptr"}
"""Released fine-tuning starts from the queue of pre-training; here keys are another training's."""
FUSION = re.compile(r"layer\.([6-9]|1\d)\.")
"""A teacher that is asked for features alone has no fusion here."""


class Script(NamedTuple):
    """A released script, and what it is here."""

    layout: Layout
    objectives: dict[str, Any]
    data: dict[str, Any]


SCENES = {"type": "scenes", "train": 8, "val": 4, "test": 4, "size": 48}
PRETRAINING = {"itc": {}, "itm": {}, "mlm": {}, "mod": {}}
SCRIPTS = {
    "Retrieval": Script(RETRIEVAL, {"itc": {}, "itm": {}, "mod": {}}, SCENES),
    "VE": Script(ENTAILMENT, {"classification": {}, "mod": {}}, {"type": "entailment"}),
    "VQA": Script(VQA, {"answer": {}, "mod": {}}, SCENES),
    "Pretrain_nlvr": Script(NLVR_ASSIGN, {"text-assignment": {}}, SCENES),
}


def narrow(folder: Path, script: Script, init: Path | None = None) -> Assembly:
    """The parts of a task, twelve layers deep."""
    recipe = recorded_network(folder, NARROW)
    model = recipe["model"]
    model["vision"] |= {"depth": LAYERS}
    model["text"] |= {"layers": LAYERS // 2}
    model["fusion"] |= {"from_layer": LAYERS // 2, "layers": LAYERS // 2}
    if script.layout.images > 1:
        model["fusion"]["type"] = "paired-cross-attention"
    recipe["model"]["text"]["max_tokens"] = 8
    recipe["alignment"] = {"width": NARROW.shared_width, "keys": {"size": 8}}
    recipe["objectives"] = dict.fromkeys(PRETRAINING) | script.objectives
    recipe["data"] = script.data
    recipe["init"] = str(init) if init else None
    path = folder / "narrow.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return assemble(load_recipe(path))


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> tuple[Path, dict[str, Tensor]]:
    """A pre-training checkpoint with released names, no two of its tensors alike."""
    folder = tmp_path_factory.mktemp("pretrained")
    script = Script(PRETRAIN, PRETRAINING, SCENES)
    pretrainer = narrow(folder, script).pretrainer
    for tensor in pretrainer.state_dict().values():
        if tensor.is_floating_point():
            nn.init.normal_(tensor)
    state = to_released(pretrainer.state_dict(), fusion_from=LAYERS // 2)
    torch.save({"model": state}, folder / "ALBEF.pth")
    return folder / "ALBEF.pth", state


def test_a_pretraining_checkpoint_has_the_released_keys(pretrained) -> None:
    assert KEYS is not None
    assert pretrained[1].keys() == set(read_json(KEYS, "key_mapping")["pretrain_keys"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_tensor_begins_as_in_the_released_script(name, pretrained, tmp_path) -> None:
    assert KEYS is not None
    script, (file, source) = SCRIPTS[name], pretrained
    started = narrow(tmp_path, script, init=file).pretrainer
    begun = to_released(started.state_dict(), layout=script.layout, fusion_from=LAYERS // 2)
    mapping = read_json(KEYS, "key_mapping")[name]
    wanted = {
        new: old
        for new, old in mapping.items()
        if script.layout.released(twin(new)) == new and new not in LEFT_BEHIND
    }
    absent = wanted.keys() - begun.keys()
    assert all(twin(each).teacher and FUSION.search(each) for each in absent)
    assert not absent or script.layout in (RETRIEVAL, NLVR_ASSIGN)
    for new in wanted.keys() - absent:
        assert torch.equal(begun[new], source[wanted[new]]), f"{new} is not {wanted[new]}"
    fresh = {twin(each).name.partition(".")[0] for each in begun.keys() - wanted.keys()}
    assert fresh - LEFT_BEHIND <= {"idx_queue", "cls_head", "ta_head"}


def full_size(layout: Layout, folder: Path) -> nn.Module:
    """The parts of a task at full size, without allocating any."""
    sizes = parts.BASE
    if layout not in (PRETRAIN, NLVR_ASSIGN):
        sizes = parts.Sizes(**{**vars(parts.BASE), "image_size": 384})
    with torch.device("meta"):
        made = parts.Parts(sizes, folder)
        for network in (made.student, made.teacher.network):
            heads(network, layout)
    return made


def heads(network: Any, layout: Layout) -> None:
    """Put the heads of a task in the place of those of pre-training."""
    if layout.images > 1:
        network.fusion = PairedCrossAttention(network.vision, network.text, pretrained=False)
    if layout is PRETRAIN:
        return
    del network.heads["mlm"]
    if layout is NLVR_ASSIGN:
        network.heads["text-assignment"] = nn.Linear(network.text.width, 3)
    if layout in (ENTAILMENT, NLVR):
        judge = Classification(
            "classification", Entailment() if layout is ENTAILMENT else nlvr.NLVR()
        )
        network.heads["classification"] = judge.head(network)
    if layout is VQA:
        width, entries = network.text.width, parts.BASE.vocabulary
        tables = (nn.Embedding(rows, width) for rows in (entries, parts.BASE.positions, 2))
        embeddings = WordEmbeddings(*tables, nn.LayerNorm(width), 0.0)
        layers = (CrossLayer(width, 12, 4 * width, width, 0.0, 1e-12) for _ in range(6))
        network.heads["answer"] = AnswerDecoder(embeddings, layers)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_shapes_at_full_size(layout, tmp_path) -> None:
    assert KEYS is not None
    content = json.loads((KEYS / "full_size_shapes.json").read_text())
    name = {"entailment": "ve", "nlvr_assign": "pretrain_nlvr"}.get(layout.name, layout.name)
    made = full_size(layout, tmp_path)
    state = {k: v for k, v in made.state_dict().items() if not k.startswith("space.keys.")}
    ours = {
        key: list(tensor.shape)
        for key, tensor in to_released(state, layout=layout).items()
        if not (layout is NLVR_ASSIGN and twin(key).teacher)
    }
    theirs = {key: shape for key, (shape, _) in content["state"][name].items()}
    queues = {key for key in theirs if "queue" in key}
    assert ours == {key: shape for key, shape in theirs.items() if key not in queues}
    trained = {
        id(tensor): tensor.numel()
        for key, tensor in to_released(made.state_dict(keep_vars=True), layout=layout).items()
        if not (twin(key).teacher or key in queues or twin(key).name in POSITION_IDS)
    }
    assert sum(trained.values()) == content["param_counts"][name]["trainable"]
