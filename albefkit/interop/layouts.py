"""The six state dicts that the released code writes, one for each of its models (spec 13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from albefkit.fusion.paired_attention import group_size
from albefkit.interop.released_names import STUDENT, Twin

_FUSION = f"{STUDENT}fusion."
_ENCODERS = frozenset({"visual_encoder", "text_encoder"})
_SPACE = frozenset({"vision_proj", "text_proj", "temp"})
_QUEUES = frozenset({"image_queue", "text_queue", "queue_ptr"})


@dataclass(frozen=True)
class Layout:
    """What a released state dict holds, and how it is recognised.

    Args:
        name: of the task.
        head: the head, by our name, that tells it from the layouts after it.
        parts: modules and tensors it has, without `_m`.
        bare: whether its text encoder is a bare BertModel: no `bert.` in names, no word head.
        images: how many images a text has; layers of fusion come in groups of that many.
        taught: whether it has a teacher, with `_m` behind the names of its modules.
    """

    name: str
    head: str
    parts: frozenset[str]
    bare: bool = True
    images: int = 1
    taught: bool = True

    def released(self, name: Twin) -> str | None:
        """A name as this state dict spells it, or None if it has no such tensor."""
        module, _, rest = name.name.partition(".")
        headless = self.bare and module == "text_encoder"
        if module not in self.parts or (headless and rest.startswith("cls.")):
            return None
        return name.released(self.bare)


PRETRAIN = Layout("pretrain", "mlm", _ENCODERS | _SPACE | _QUEUES | {"itm_head"}, bare=False)
RETRIEVAL = Layout("retrieval", "itm", _ENCODERS | _SPACE | _QUEUES | {"itm_head", "idx_queue"})
ENTAILMENT = Layout("entailment", "classification", _ENCODERS | {"cls_head"})
VQA = Layout("vqa", "answer", _ENCODERS | {"text_decoder"})
NLVR_ASSIGN = Layout(
    "nlvr_assign", "text-assignment", _ENCODERS | _SPACE | {"ta_head"}, images=2, taught=False
)
NLVR = Layout("nlvr", "classification", _ENCODERS | {"cls_head"}, images=2)
LAYOUTS: tuple[Layout, ...] = (VQA, NLVR_ASSIGN, NLVR, ENTAILMENT, PRETRAIN, RETRIEVAL)
"""In the order in which they are looked for; grounding writes that of retrieval."""


def layout_of(tensors: Mapping[str, Tensor]) -> Layout | None:
    """Which of the released state dicts a network would be, or None if it is like none of them.

    Args:
        tensors: by name in a `Pretrainer`; a released state dict comes through `from_released`.
    """
    images = images_per_text(tensors)
    for layout in LAYOUTS:
        head = f"{STUDENT}heads.{layout.head}."
        if layout.images == images and any(name.startswith(head) for name in tensors):
            return layout
    return None


def images_per_text(tensors: Mapping[str, Tensor]) -> int:
    """How many images a network shows with each text: its fusion has a layer for each in turn.

    Args:
        tensors: by name in a `Pretrainer`.
    """
    return group_size(
        {
            name.removeprefix(_FUSION): tensor
            for name, tensor in tensors.items()
            if name.startswith(_FUSION)
        }
    )
