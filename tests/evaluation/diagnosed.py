"""A toy that is asked about itself: drawn scenes, and a network that knows their number."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from albefkit.alignment.in_batch import InBatch
from albefkit.alignment.space import Space
from albefkit.data.base import Dataset, Item, Split
from albefkit.evaluation.base import Subject
from albefkit.network import Network
from albefkit.tensors import Encoded, Fused, TextView

SCENES, WIDTH = 24, 24


class Numbered(Split):
    """Scene i is grey level i; its caption is the number i; i and i + 2 cannot be told apart."""

    fingerprint = "numbered"
    pictures = 1

    def __init__(self, noisy: bool = False) -> None:
        self.noisy = noisy

    def __len__(self):
        return SCENES

    def said(self, index):
        return (index + 4) % SCENES if self.noisy and index % 2 else index

    def text(self, index):
        return str(self.said(index))

    def picture(self, index):
        return np.full((2, 2, 3), index, np.uint8)

    def item(self, index, rng):
        wrong = self.said(index) != index
        fields = {"noise": "swapped" if wrong else "clean", "clean_text": str(index)}
        others = (self.picture(index),) * (self.pictures - 1)
        return Item(self.picture(index), self.text(index), index, fields, others)

    def captions(self):
        return [self.text(index) for index in range(SCENES)]

    def holds(self, index, text):
        return abs(index - int(text)) in (0, 2) if text.isdigit() else None


class Plain(Numbered):
    """Nobody knows what is true, nor what is noise."""

    def holds(self, index, text):
        return None

    def item(self, index, rng):
        return Item(self.picture(index), str(index), index)


class Paired(Plain):
    """Scenes 4 i and 4 i + 2 show the same image, and so do the two after each."""

    def item(self, index, rng):
        return Item(self.picture(index), str(index), index - index % 4 + index % 2)


class Numbers(Dataset):
    def split(self, name):
        return Numbered(noisy=name == "train")


class Unknowing(Dataset):
    def split(self, name):
        return Plain()


class Twins(Dataset):
    def split(self, name):
        return Paired()


class Reads(nn.Module):
    width, reads = WIDTH, ("images",)

    def forward(self, images):
        tokens = nn.functional.one_hot(images[:, 0, 0, 0].long(), WIDTH).float()[:, None]
        return Encoded(tokens, None, tokens[:, 0])


class Tokenizer:
    def encode(self, texts, max_tokens=None):
        ids = torch.tensor([[int(text)] for text in texts])
        return TextView(ids, torch.ones_like(ids, dtype=torch.bool))


class Text(nn.Module):
    width, max_tokens, tokenizer = WIDTH, 1, Tokenizer()

    def forward(self, ids, mask):
        tokens = nn.functional.one_hot(ids, WIDTH).float()
        return Encoded(tokens, mask, tokens[:, 0])


class Fusion(nn.Module):
    """Says how near two numbers are."""

    width = 1

    def forward(self, image, text, image_index, text_index):
        gap = image.pooled[image_index].argmax(1) - text.pooled[text_index].argmax(1)
        near = torch.exp(-gap.abs().float())[:, None]
        return Fused(near[:, None], None, near)


def network():
    made = Network(Reads(), Text(), None, WIDTH)  # type: ignore[arg-type]
    made.fusion = Fusion()  # type: ignore[assignment]
    made.heads["itm"] = nn.Linear(1, 2)
    with torch.no_grad():
        made.heads["itm"].weight.copy_(torch.tensor([[0.0], [8.0]]))
        made.heads["itm"].bias.copy_(torch.tensor([0.0, -2.0]))
        for projection in (made.image_projection, made.text_projection):
            projection.weight.copy_(neighbourly())
            projection.bias.zero_()
    return made


def neighbourly():
    """Numbers two apart lie near each other."""
    table = torch.eye(WIDTH)
    for index in range(WIDTH - 2):
        table[index, index + 2] = table[index + 2, index] = 0.6
    return table


def subject(dataset=None, teacher=None, space=None):
    return Subject(
        network=network(),
        space=space or Space(InBatch(), 0.05, None),
        dataset=dataset or Numbers(),
        transform=lambda image: torch.from_numpy(image).permute(2, 0, 1).float(),
        teacher=teacher,
        batch_size=8,
    )
