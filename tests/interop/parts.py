"""Networks of recorded sizes, and recorded released state dicts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from albefkit.fusion.cross_attention import CrossAttention
from albefkit.layers.heads import MaskedWordHead
from albefkit.network import Network
from albefkit.text.bert import Bert
from albefkit.text.tokenizer import Corpus
from albefkit.vision.timm_model import TimmModel

QUEUE = 48


@dataclass(frozen=True)
class Sizes:
    """What a recorded network measures."""

    vision_width: int = 64
    text_width: int = 64
    feed_forward: int = 256
    positions: int = 64
    shared_width: int = 32
    image_size: int = 48
    depth: int = 4
    heads: int = 4
    text_layers: int = 2
    fusion_layers: int = 2
    vocabulary: int = 200


MAIN = Sizes()
BASE = Sizes(
    vision_width=768,
    text_width=768,
    feed_forward=3072,
    positions=512,
    shared_width=256,
    image_size=256,
    depth=12,
    heads=12,
    text_layers=6,
    fusion_layers=6,
    vocabulary=30522,
)
WIDTHS = Sizes(vision_width=48, text_width=32, feed_forward=96, positions=40, shared_width=24)


def network(sizes: Sizes, folder: Path) -> Network:
    """Towers and heads as recipes make them, at random."""
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *(f"w{n}" for n in range(sizes.vocabulary - 5)),
    ]
    (folder / "vocab.txt").write_text("\n".join(words))
    vision = TimmModel(
        name="deit_base_patch16_224",
        image_size=sizes.image_size,
        width=sizes.vision_width,
        depth=sizes.depth,
        heads=sizes.heads,
        pretrained=False,
    )
    text = Bert(
        Corpus(lambda: []),
        layers=sizes.text_layers,
        width=sizes.text_width,
        heads=sizes.heads,
        feed_forward=sizes.feed_forward,
        positions=sizes.positions,
        dropout=0.0,
        tokenizer=str(folder / "vocab.txt"),
        pretrained=False,
    )
    fusion = CrossAttention(
        vision,
        text,
        from_layer=sizes.text_layers,
        layers=sizes.fusion_layers,
        heads=sizes.heads,
        feed_forward=sizes.feed_forward,
        dropout=0.0,
        pretrained=False,
    )
    made = Network(vision, text, fusion, sizes.shared_width)
    made.heads["itm"] = nn.Linear(text.width, 2)
    made.heads["mlm"] = MaskedWordHead(text.width, sizes.vocabulary)
    return made


class Parts(nn.Module):
    """What a pretrainer holds, without objectives."""

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        super().__init__()
        self.student = network(sizes, folder)
        self.teacher = nn.Module()
        self.teacher.network = self.student.mirror(
            ["vision", "text", "fusion", "projections", "heads.mlm"]
        )
        self.space = nn.Module()
        self.space.temperature = nn.Parameter(torch.tensor(0.5))
        self.space.keys = Queues(sizes.shared_width)


class Queues(nn.Module):
    """The tensors of a momentum queue."""

    def __init__(self, shared_width: int) -> None:
        super().__init__()
        for name in ("image_queue", "text_queue"):
            self.register_buffer(name, torch.randn(QUEUE, shared_width))
        for name in ("image_id", "text_id"):
            self.register_buffer(name, torch.full((QUEUE,), -100))
        for name in ("pointer", "filled"):
            self.register_buffer(name, torch.zeros((), dtype=torch.int64))


def width_state(case: Path) -> dict[str, Tensor]:
    """The released state dict of a case of the set with unequal widths."""
    return {
        name: tensor.double() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(case / "weights.safetensors").items()
    }
