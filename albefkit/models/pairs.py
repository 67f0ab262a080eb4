"""Images and texts in batches, as a network sees them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from albefkit.evaluation.base import Subject
from albefkit.evaluation.reading import require_fusing, require_reading
from albefkit.models.inputs import Picture, pixels, require_pairs
from albefkit.tensors import Encoded, Fused, TextView

LONG = 4
"""From so many batches on people at a terminal are shown how far it is."""


@dataclass(frozen=True)
class PairBatch:
    """P pairs of a text with its images, encoded apart.

    Args:
        image: tokens of the images.
        text: tokens of the texts.
        view: the texts as ids, on the device.
        image_index: `(P,)`, or `(P, n)` with n images each: rows of `image`.
        text_index: `(P,)`: rows of `text`.
    """

    image: Encoded
    text: Encoded
    view: TextView
    image_index: Tensor
    text_index: Tensor

    @property
    def text_mask(self) -> Tensor | None:
        """`(P, L)` bool: which tokens of each pair's text are real."""
        return self.text.rows(self.text_index).mask


def pair_batches(
    subject: Subject, items: Sequence[tuple[Picture, ...]], texts: Sequence[str]
) -> Iterator[PairBatch]:
    """Pairs in order; an only image or text meets all of the others, and is encoded once.

    Args:
        subject: who looks.
        items: the images of each pair, or of all.
        texts: the text of each pair, cleaned, or of all.

    Raises:
        DataError: there are not as many of both, or an image cannot be read.
    """
    total = require_pairs(len(items), len(texts))
    same_image = encode_images(subject, items) if len(items) == 1 else None
    same_text = encode_texts(subject, texts) if len(texts) == 1 else None
    for rows in slices(subject, total, "pairs"):
        count = rows.stop - rows.start
        image = same_image or encode_images(subject, items[rows])
        view, text = same_text or encode_texts(subject, texts[rows])
        own = torch.arange(count, device=subject.device)
        only = torch.zeros_like(own)
        image_index, each = only if same_image else own, len(items[0])
        if each > 1:
            image_index = image_index[:, None] * each + torch.arange(each, device=subject.device)
        yield PairBatch(image, text, view, image_index, only if same_text else own)


def fuse(subject: Subject, pairs: PairBatch) -> Fused:
    """Let texts look at their images."""
    _, _, fusion = require_fusing(subject.network)
    with subject.autocast():
        return fusion(pairs.image, pairs.text, pairs.image_index, pairs.text_index)


def encode_images(subject: Subject, items: Sequence[tuple[Picture, ...]]) -> Encoded:
    """All pictures of some items, one after the other.

    Raises:
        DataError: one cannot be read.
    """
    images = read_images(subject, items)
    with subject.autocast():
        return require_reading(subject.network)[0](images)


def read_images(subject: Subject, items: Sequence[tuple[Picture, ...]]) -> Tensor:
    """All pictures of some items as the network takes them, `(R, 3, S, S)` on the device.

    Raises:
        DataError: one cannot be read.
    """
    pictures = [subject.transform(pixels(each)) for item in items for each in item]
    return torch.stack(pictures).to(subject.device)


def encode_texts(subject: Subject, texts: Sequence[str]) -> tuple[TextView, Encoded]:
    """Cleaned texts as ids on the device, and as tokens."""
    encoder = require_reading(subject.network)[1]
    view = encoder.tokenizer.encode(texts, encoder.max_tokens)
    view = TextView(view.ids.to(subject.device), view.mask.to(subject.device))
    with subject.autocast():
        return view, encoder(view.ids, view.mask)


def slices(subject: Subject, total: int, what: str) -> Iterator[slice]:
    """Batches of `total` things; at a terminal, a bar says how far it is where there are many."""
    starts = range(0, total, subject.batch_size)
    shown = len(starts) >= LONG and sys.stderr.isatty()
    console = Console(stderr=True)
    for start in track(starts, what, console=console, transient=True, disable=not shown):
        yield slice(start, min(total, start + subject.batch_size))
