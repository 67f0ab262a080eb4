"""Items of a split as a network sees them: every image and every text encoded once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.alignment.space import Space
from albefkit.data.base import Item, Split
from albefkit.data.loader import text_id
from albefkit.evaluation.base import Subject
from albefkit.evaluation.fused_items import read_items
from albefkit.evaluation.galleries import encode_texts, stack
from albefkit.evaluation.reading import fields_read, require_encoders
from albefkit.network import Network
from albefkit.registry.errors import ComponentError, DataError
from albefkit.tensors import Batch, Encoded, TextView


@dataclass(frozen=True)
class Features:
    """Unit vectors in the shared space.

    Args:
        image: `(N, E)`.
        text: `(N, E)`.
    """

    image: Tensor
    text: Tensor

    def rows(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Some images, and the texts of the same items."""
        return self.image[rows], self.text[rows]


@dataclass(frozen=True)
class EncodedItems:
    """N items, each a text with one image, on the subject's device.

    Args:
        indices: where in the split each is.
        texts: as they are read.
        batch: all of them as one batch, without pixels.
        image: tokens `(N, P, D)`.
        text: tokens `(N, L, D)`.
        features: of the student, or None where nothing is aligned.
        keys: what features are compared with: themselves, or the teacher's where keys are its.
    """

    indices: list[int]
    texts: list[str]
    batch: Batch
    image: Encoded
    text: Encoded
    features: Features | None
    keys: Features | None

    def __len__(self) -> int:
        return len(self.indices)

    def rows(self, rows: Tensor) -> Batch:
        """Some of them as a batch, without pixels."""
        words, host = self.batch.text, rows.cpu()
        return Batch(
            images=self.batch.images[rows],
            text=TextView(words.ids[host], words.mask[host]),
            image_id=self.batch.image_id[rows],
            text_id=self.batch.text_id[rows],
        )


def encode_items(subject: Subject, split: Split, limit: int | None = None) -> EncodedItems:
    """Show a split to the subject.

    Args:
        subject: who looks; its teacher too, where similarities are with what it sees.
        split: what at.
        limit: only so many items, the first ones; None: all.

    Raises:
        ComponentError: the network lacks an encoder, or a text speaks of several images.
        DataError: there are no items, or too many images cannot be read.
    """
    network, compared = subject.network, _compared(subject)
    require_encoders(network)
    networks = [network] if compared is network else [network, compared]
    seen: list[list[Encoded]] = [[] for _ in networks]
    indices, texts, image_ids = [], [], []
    for places, items in read_items(subject, split, limit):
        _require_single_images(items)
        indices += places
        image_ids += [item.image_id for item in items]
        texts += [split.clean(item.text, subject.max_words) for item in items]
        pictures, fields = [item.image for item in items], [item.fields for item in items]
        columns = fields_read(subject, pictures, fields)
        for each, parts in zip(networks, seen, strict=True):
            vision, _ = require_encoders(each)
            with subject.autocast():
                parts.append(vision(*columns))
    if not indices:
        raise DataError("there are no items to look at")
    encoded = [
        (stack(parts), encode_texts(subject, require_encoders(each)[1], texts))
        for each, parts in zip(networks, seen, strict=True)
    ]
    return EncodedItems(
        indices=indices,
        texts=texts,
        batch=_batch(subject, texts, image_ids),
        image=encoded[0][0],
        text=encoded[0][1],
        features=_features(network, *encoded[0]),
        keys=_features(compared, *encoded[-1]),
    )


def _compared(subject: Subject) -> Network:
    """Whose features the keys are."""
    teacher, space = subject.teacher, subject.space
    asked = isinstance(space, Space) and space.keys.needs_teacher
    return teacher if asked and teacher and teacher.image_projection else subject.network


def _features(network: Network, image: Encoded, text: Encoded) -> Features | None:
    if network.image_projection is None or network.text_projection is None:
        return None
    return Features(network.image_features(image).float(), network.text_features(text).float())


def _batch(subject: Subject, texts: list[str], image_ids: list[int]) -> Batch:
    _, encoder = require_encoders(subject.network)
    batch = Batch(
        images=torch.empty(len(texts), 0),
        text=encoder.tokenizer.encode(texts, encoder.max_tokens),
        image_id=torch.tensor(image_ids),
        text_id=torch.tensor([text_id(text) for text in texts]),
    )
    return batch.to(subject.device)


def _require_single_images(items: list[Item]) -> None:
    if any(len(item.images) > 1 for item in items):
        message = "this is about texts with one image each, and these speak of several"
        raise ComponentError(message)
