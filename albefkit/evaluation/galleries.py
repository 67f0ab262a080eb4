"""A gallery as a network sees it: every image and every text encoded once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.data.base import Gallery, Unreadable
from albefkit.data.text import pre_caption
from albefkit.evaluation.base import Subject
from albefkit.evaluation.reading import fields_read, require_encoders, tolerate
from albefkit.registry.errors import DataError
from albefkit.tensors import Encoded
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder


@dataclass(frozen=True)
class EncodedGallery:
    """I images and T texts, on the subject's device.

    Args:
        image: tokens `(I, N, D)`.
        text: tokens `(T, L, D)`.
        image_features: unit vectors `(I, E)`, or None where nothing is aligned.
        text_features: unit vectors `(T, E)`, or None.
        right: `(I, T)` bool, on the host: the text, or one that says the same, is the image's.
        owner: `(T,)` int64, on the host: the image of each text.
        names: the images' names.
    """

    image: Encoded
    text: Encoded
    image_features: Tensor | None
    text_features: Tensor | None
    right: Tensor
    owner: Tensor
    names: list[str]


def encode_gallery(subject: Subject, gallery: Gallery, limit: int | None) -> EncodedGallery:
    """Encode a gallery.

    Args:
        subject: who looks.
        gallery: what at.
        limit: only so many images, the first ones, with their texts; None: all.

    Raises:
        DataError: too many images cannot be read.
        ComponentError: the network cannot read images or texts alone.
    """
    network = subject.network
    vision, encoder = require_encoders(network)
    wanted = range(min(len(gallery), limit or len(gallery)))
    encoded, readable = _encode_images(subject, vision, gallery, wanted)
    place = {image: row for row, image in enumerate(readable)}
    kept = [row for row, owner in enumerate(gallery.owner) if owner in place]
    if not kept:
        raise DataError("the gallery has no text for any of its images")
    texts = [pre_caption(gallery.texts[row], subject.max_words) for row in kept]
    owner = torch.tensor([place[gallery.owner[row]] for row in kept])
    text = encode_texts(subject, encoder, texts)
    aligned = network.image_projection is not None and network.text_projection is not None
    return EncodedGallery(
        image=encoded,
        text=text,
        image_features=network.image_features(encoded).float() if aligned else None,
        text_features=network.text_features(text).float() if aligned else None,
        right=right_pairs(texts, owner, len(readable)),
        owner=owner,
        names=[gallery.names[image] for image in readable],
    )


def right_pairs(texts: list[str], owner: Tensor, images: int) -> Tensor:
    """`(images, T)` bool: which texts are right for an image, equal words counting as equal.

    Args:
        texts: T cleaned texts.
        owner: `(T,)` int64, the image of each.
        images: how many images there are.
    """
    numbers: dict[str, int] = {}
    words = torch.tensor([numbers.setdefault(text, len(numbers)) for text in texts])
    says = torch.zeros(images, len(numbers), dtype=torch.bool)
    says[owner, words] = True
    return says[:, words]


def _encode_images(
    subject: Subject, vision: VisionEncoder, gallery: Gallery, wanted: range
) -> tuple[Encoded, list[int]]:
    readable, unreadable, parts = [], [], []
    for chunk in _chunks(wanted, subject.batch_size):
        pictures, fields = [], []
        for index in chunk:
            try:
                pictures.append(gallery.image(index))
            except Unreadable as error:
                unreadable.append(str(error))
            else:
                fields.append(gallery.fields(index))
                readable.append(index)
        if pictures:
            seen = fields_read(subject, pictures, fields)
            with subject.autocast():
                parts.append(vision(*seen))
        subject.progress("images encoded", chunk.stop, len(wanted))
    tolerate(unreadable, "images of the gallery", len(wanted))
    if not parts:
        raise DataError("the gallery is empty")
    return stack(parts), readable


def encode_texts(subject: Subject, text: TextEncoder, texts: list[str]) -> Encoded:
    """T texts as an encoder sees them, all padded to one length."""
    view = text.tokenizer.encode(texts, text.max_tokens)
    parts = []
    for chunk in _chunks(range(len(texts)), 4 * subject.batch_size):
        rows = slice(chunk.start, chunk.stop)
        with subject.autocast():
            parts.append(
                text(view.ids[rows].to(subject.device), view.mask[rows].to(subject.device))
            )
    return stack(parts)


def _chunks(indices: range, size: int) -> Iterator[range]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


def stack(parts: list[Encoded]) -> Encoded:
    """The rows of several one below the other; they have equally many tokens."""
    masks = [part.mask for part in parts if part.mask is not None]
    return Encoded(
        tokens=torch.cat([part.tokens for part in parts]),
        mask=torch.cat(masks) if len(masks) == len(parts) else None,
        pooled=torch.cat([part.pooled for part in parts]),
    )
