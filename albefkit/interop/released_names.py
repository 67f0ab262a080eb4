"""Names of the released ALBEF's state dicts and ours, both ways (spec 13).

One table of modules and one of stacks of layers serve both directions and all tasks; tensors whose
layout differs too are named apart. Which tensors a released task has is said in `layouts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from albefkit.layers.bert_layout import BERT_PARTS

STUDENT, TEACHER, KEYS = "student.", "teacher.network.", "space.keys."
MODULES: Mapping[str, str] = {
    "visual_encoder": "vision.model",
    "vision_proj": "image_projection",
    "text_proj": "text_projection",
    "itm_head": "heads.itm",
    "cls_head": "heads.classification",
    "ta_head": "heads.text-assignment",
    "text_encoder.bert.embeddings": "text.model.embeddings",
    "text_encoder.cls.predictions.transform.dense": "heads.mlm.dense",
    "text_encoder.cls.predictions.transform.LayerNorm": "heads.mlm.norm",
    "text_encoder.cls.predictions": "heads.mlm",
    "text_decoder.bert.embeddings": "heads.answer.embeddings",
    "text_decoder.cls.predictions.transform.dense": "heads.answer.words.dense",
    "text_decoder.cls.predictions.transform.LayerNorm": "heads.answer.words.norm",
    "text_decoder.cls.predictions": "heads.answer.words",
}
"""Module as the released code names it, without `_m` -> as a `Network` names it."""
TEXT_LAYERS, DECODER_LAYERS = (
    f"{module}.bert.encoder.layer" for module in ("text_encoder", "text_decoder")
)
OUR_TEXT_LAYERS = "text.model.encoder.layer"
_WORDS = ".bert.embeddings.word_embeddings.weight"
_WORD_BIAS = ".cls.predictions.bias"
_TABLE = ".bert.embeddings.position_embeddings.weight"
_SPEAKERS = ("text_encoder", "text_decoder")
"""What may have a word head."""
TIED: Mapping[str, str] = {
    f"{module}.cls.predictions.decoder.{second}": f"{module}{first}"
    for module in _SPEAKERS
    for second, first in (("weight", _WORDS), ("bias", _WORD_BIAS))
}
"""Second names of tensors in the released state dict -> the first; they come with a word head."""
POSITION_IDS: Mapping[str, str] = {
    f"{module}.bert.embeddings.position_ids": f"{module}{_TABLE}" for module in _SPEAKERS
}
"""Numbers of positions, a buffer of old transformers -> the table they count."""
QUEUES: Mapping[str, str] = {"image_queue": "image_queue", "text_queue": "text_queue"}
"""Released `(E, K)` -> ours `(K, E)`, behind `KEYS`."""
SHARED = re.compile(r"(.*fusion\.layers\.)(\d+)(\.cross_attention\.(?:key|value)\..+)")
"""Our names of what the layers of a group share where a text has several images."""
_LAYER = re.compile(r"(.+)\.(\d+)\.(.+)\.(weight|bias)")
_SAME = {part: part for part in BERT_PARTS}


class Stack(NamedTuple):
    """Layers of the released code that are layers of ours.

    Args:
        released: the module of the released layers.
        ours: the module of ours.
        parts: part of a layer there -> here.
        numbers: which of the released layers; the first is our layer 0.
    """

    released: str
    ours: str
    parts: Mapping[str, str]
    numbers: range


class Twin(NamedTuple):
    """A name without `_m`, and whose it is.

    Args:
        name: as the student's tensor is called in the released pre-training state dict.
        teacher: whether the tensor is the teacher's.
    """

    name: str
    teacher: bool

    def released(self, bare: bool = False) -> str:
        """The name in a released state dict.

        Args:
            bare: whether its text encoder has no `bert.` in its names.
        """
        module, _, rest = self.name.partition(".")
        if bare and module == "text_encoder":
            rest = rest.removeprefix("bert.")
        return f"{module}{'_m' * self.teacher}.{rest}" if rest else self.name

    @property
    def word_head(self) -> Twin:
        """The bias of the word head that the tensor would belong to."""
        return Twin(f"{self.name.partition('.')[0]}{_WORD_BIAS}", self.teacher)


def twin(released: str) -> Twin:
    """Read a released name; a downstream one (`text_encoder.encoder...`) as a pre-training one."""
    module, _, rest = released.partition(".")
    teacher = module.endswith("_m")
    module = module.removesuffix("_m")
    if module == "text_encoder" and rest.startswith(("embeddings.", "encoder.")):
        rest = f"bert.{rest}"
    return Twin(f"{module}.{rest}" if rest else module, teacher)


def first_fusion_layer(released: Mapping[str, object]) -> int:
    """The lowest layer of the text encoder that has cross-attention.

    Raises:
        ValueError: none has.
    """
    found = [_LAYER.fullmatch(twin(name).name) for name in released]
    layers = [
        int(each[2])
        for each in found
        if each and each[1] == TEXT_LAYERS and each[3].startswith("crossattention.")
    ]
    if not layers:
        raise ValueError("no layer of this checkpoint has cross-attention: it is not ALBEF's")
    return min(layers)


def text_layers(ours: Iterable[str]) -> int:
    """How many layers the text encoder has, by names in a `Pretrainer`."""
    layers = [_LAYER.fullmatch(name) for name in ours]
    stack = f"{STUDENT}{OUR_TEXT_LAYERS}"
    return max((int(each[2]) for each in layers if each and each[1] == stack), default=-1) + 1


def our_name(released: str, fusion_from: int) -> str | None:
    """The name of a network's tensor in a `Pretrainer`, or None if we have no such tensor."""
    name, teacher = twin(released)
    network = TEACHER if teacher else STUDENT
    layer = _LAYER.fullmatch(name)
    for stack in _stacks(fusion_from):
        if layer and layer[1] == stack.released and int(layer[2]) in stack.numbers:
            if layer[3] not in stack.parts:
                return None
            number = int(layer[2]) - stack.numbers.start
            return f"{network}{stack.ours}.{number}.{stack.parts[layer[3]]}.{layer[4]}"
    if name in TIED or name in POSITION_IDS:
        return None
    for module, ours in MODULES.items():
        if name.startswith(f"{module}."):
            return f"{network}{ours}{name.removeprefix(module)}"
    return None


def released_twin(ours: str, fusion_from: int) -> Twin | None:
    """The released name of a tensor of a `Pretrainer`, or None if the released code has none."""
    for network, teacher in ((STUDENT, False), (TEACHER, True)):
        if ours.startswith(network):
            name = _released_module(ours.removeprefix(network), fusion_from)
            return None if name is None else Twin(name, teacher)
    return None


def _released_module(name: str, fusion_from: int) -> str | None:
    layer = _LAYER.fullmatch(name)
    for stack in _stacks(fusion_from):
        if layer and layer[1] == stack.ours:
            parts = {ours: released for released, ours in stack.parts.items()}
            if layer[3] not in parts or int(layer[2]) >= len(stack.numbers):
                return None
            number = stack.numbers[int(layer[2])]
            return f"{stack.released}.{number}.{parts[layer[3]]}.{layer[4]}"
    for released, ours in MODULES.items():
        if name.startswith(f"{ours}."):
            return f"{released}{name.removeprefix(ours)}"
    return None


def _stacks(fusion_from: int) -> tuple[Stack, ...]:
    many = 10**6
    return (
        Stack(TEXT_LAYERS, OUR_TEXT_LAYERS, _SAME, range(fusion_from)),
        Stack(TEXT_LAYERS, "fusion.layers", BERT_PARTS, range(fusion_from, many)),
        Stack(DECODER_LAYERS, "heads.answer.layers", BERT_PARTS, range(many)),
    )
