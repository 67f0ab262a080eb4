"""Items of a split as a network sees them: every text fused with its images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.data.base import Item, Split, Unreadable
from albefkit.evaluation.base import Subject
from albefkit.evaluation.reading import fields_read, require_fusing, tolerate
from albefkit.seeding import numpy_rng
from albefkit.tensors import Encoded, Fused, TextView
from albefkit.text.base import TextEncoder


@dataclass(frozen=True)
class FusedItems:
    """Some items, in order.

    Args:
        indices: where in the split each is.
        items: as the split gives them.
        text: the texts before fusion, `(b, L, D)`.
        fused: the texts after it, each with its images.
    """

    indices: list[int]
    items: list[Item]
    text: Encoded
    fused: Fused


def fused_items(subject: Subject, split: Split, limit: int | None = None) -> Iterator[FusedItems]:
    """Show a split to the subject, a batch at a time; the caller decides about gradients.

    Args:
        subject: who looks.
        split: what at.
        limit: only so many items, the first ones; None: all.

    Raises:
        ComponentError: the network cannot fuse.
        DataError: too many images cannot be read.
    """
    for indices, items in read_items(subject, split, limit):
        yield FusedItems(indices, items, *fuse(subject, split, items))


def read_items(
    subject: Subject, split: Split, limit: int | None = None
) -> Iterator[tuple[list[int], list[Item]]]:
    """Items of a split a batch at a time, with where in the split each is.

    Args:
        subject: whose batch size it is, and whom to tell how far it is.
        split: what to read.
        limit: only so many items, the first ones; None: all.

    Raises:
        DataError: too many images cannot be read.
    """
    unreadable: list[str] = []
    total = min(len(split), limit or len(split))
    for start in range(0, total, subject.batch_size):
        indices, items = [], []
        for index in range(start, min(total, start + subject.batch_size)):
            try:
                items.append(split.item(index, numpy_rng("evaluate", index)))
                indices.append(index)
            except Unreadable as error:
                unreadable.append(str(error))
        if items:
            yield indices, items
        subject.progress("items examined", min(total, start + subject.batch_size), total)
    tolerate(unreadable, "items", total)


def fuse(subject: Subject, split: Split, items: list[Item]) -> tuple[Encoded, Fused]:
    """Encode items and fuse each text with its images.

    Raises:
        ComponentError: the network cannot.
    """
    vision, encoder, fusion = require_fusing(subject.network)
    pictures = [image for item in items for image in item.images]
    seen = fields_read(subject, pictures, [item.fields for item in items])
    view = read_texts(subject, split, items, encoder)
    own = torch.arange(len(items), device=subject.device)
    rows = torch.arange(len(seen[0]), device=subject.device)
    if len(rows) > len(items):
        rows = rows.unflatten(0, (len(items), -1))
    with subject.autocast():
        image = vision(*seen)
        text = encoder(view.ids, view.mask)
        return text, fusion(image, text, rows, own)


def as_tensors(
    subject: Subject, split: Split, items: list[Item], encoder: TextEncoder
) -> tuple[Tensor, TextView]:
    """Items as encoders of pixels and words take them, on the subject's device.

    Returns:
        Images `(b n, 3, S, S)`, those of a text following one another, and the texts.
    """
    pictures = torch.stack([subject.transform(image) for item in items for image in item.images])
    return pictures.to(subject.device), read_texts(subject, split, items, encoder)


def read_texts(subject: Subject, split: Split, items: list[Item], encoder: TextEncoder) -> TextView:
    """The texts of items as the encoder takes them, on the subject's device."""
    texts = [split.clean(item.text, subject.max_words) for item in items]
    view = encoder.tokenizer.encode(texts, encoder.max_tokens)
    ids, mask = view.ids.to(subject.device), view.mask.to(subject.device)
    return TextView(ids, mask)
