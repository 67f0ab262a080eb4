"""Names of the released ALBEF's pre-training state dict and ours, both ways (spec 13).

One table of module names per direction; tensors whose layout differs too are named apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from albefkit.layers.bert_layout import BERT_PARTS

STUDENT, TEACHER, KEYS = "student.", "teacher.network.", "space.keys."
MODULES: Mapping[str, str] = {
    "visual_encoder": "vision.model",
    "vision_proj": "image_projection",
    "text_proj": "text_projection",
    "itm_head": "heads.itm",
    "text_encoder.bert.embeddings": "text.model.embeddings",
    "text_encoder.cls.predictions.transform.dense": "heads.mlm.dense",
    "text_encoder.cls.predictions.transform.LayerNorm": "heads.mlm.norm",
    "text_encoder.cls.predictions": "heads.mlm",
}
"""Module as the released code names it, without `_m` -> as a `Network` names it."""
TEXT_LAYERS = "text_encoder.bert.encoder.layer"
WORDS = "text_encoder.bert.embeddings.word_embeddings.weight"
WORD_BIAS = "text_encoder.cls.predictions.bias"
TIED: Mapping[str, str] = {
    "text_encoder.cls.predictions.decoder.weight": WORDS,
    "text_encoder.cls.predictions.decoder.bias": WORD_BIAS,
}
"""Second names of tensors in the released state dict -> the first."""
POSITION_IDS = "text_encoder.bert.embeddings.position_ids"
POSITIONS = "text_encoder.bert.embeddings.position_embeddings.weight"
QUEUES: Mapping[str, str] = {"image_queue": "image_queue", "text_queue": "text_queue"}
"""Released `(E, K)` -> ours `(K, E)`, behind `KEYS`."""
_LAYER = re.compile(re.escape(TEXT_LAYERS) + r"\.(\d+)\.(.+)\.(weight|bias)")
_OUR_FUSION = re.compile(r"fusion\.layers\.(\d+)\.(.+)\.(weight|bias)")
_OUR_TEXT = re.compile(r"text\.model\.encoder\.layer\.(\d+)\.(.+)")
_RELEASED_PARTS = {ours: released for released, ours in BERT_PARTS.items()}


class Twin(NamedTuple):
    """A name without `_m`, and whose it is.

    Args:
        name: as the student's tensor is called in the released state dict.
        teacher: whether the tensor is the teacher's.
    """

    name: str
    teacher: bool

    @property
    def released(self) -> str:
        """The name in the released state dict."""
        module, _, rest = self.name.partition(".")
        return f"{module}_m.{rest}" if self.teacher else self.name


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
    layers = [int(each[1]) for each in found if each and each[2].startswith("crossattention.")]
    if not layers:
        raise ValueError("no layer of this checkpoint has cross-attention: it is not ALBEF's")
    return min(layers)


def our_name(released: str, fusion_from: int) -> str | None:
    """The name of a network's tensor in a `Pretrainer`, or None if we have no such tensor."""
    name, teacher = twin(released)
    network = TEACHER if teacher else STUDENT
    layer = _LAYER.fullmatch(name)
    if layer:
        number, part = int(layer[1]), layer[2]
        if number < fusion_from:
            return f"{network}text.model.encoder.layer.{number}.{part}.{layer[3]}"
        if part in BERT_PARTS:
            return f"{network}fusion.layers.{number - fusion_from}.{BERT_PARTS[part]}.{layer[3]}"
        return None
    if name in TIED or name == POSITION_IDS:
        return None
    for module, ours in MODULES.items():
        if name.startswith(f"{module}."):
            return f"{network}{ours}{name.removeprefix(module)}"
    return None


def released_name(ours: str, fusion_from: int) -> str | None:
    """The released name of a tensor of a `Pretrainer`, or None if the released code has none."""
    for network, teacher in ((STUDENT, False), (TEACHER, True)):
        if ours.startswith(network):
            name = _released_module(ours.removeprefix(network), fusion_from)
            return None if name is None else Twin(name, teacher).released
    return None


def _released_module(name: str, fusion_from: int) -> str | None:
    fusion = _OUR_FUSION.fullmatch(name)
    if fusion and fusion[2] in _RELEASED_PARTS:
        layer = int(fusion[1]) + fusion_from
        return f"{TEXT_LAYERS}.{layer}.{_RELEASED_PARTS[fusion[2]]}.{fusion[3]}"
    text = _OUR_TEXT.fullmatch(name)
    if text:
        return f"{TEXT_LAYERS}.{text[1]}.{text[2]}"
    for released, ours in MODULES.items():
        if name.startswith(f"{ours}."):
            return f"{released}{name.removeprefix(ours)}"
    return None
