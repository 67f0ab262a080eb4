"""What a network advises about noisy captions, by how similar images and captions are to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from albefkit.data.base import Item, Split
from albefkit.evaluation.base import Subject
from albefkit.evaluation.fused_items import read_items
from albefkit.evaluation.reading import fields_read, require_encoders
from albefkit.network import Network
from albefkit.registry.errors import ComponentError, DataError


@dataclass
class Captions:
    """N items of a split whose noise is known.

    Args:
        indices: where in the split each is.
        images: the number of each item's image.
        labels: as they are trained on, cleaned as they are read.
        before: what they were before noise, likewise.
        noise: what was done to each.
    """

    indices: list[int] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)

    def add(self, indices: list[int], items: list[Item], labels: list[str], before: list[str]):
        """Some more."""
        self.indices += indices
        self.images += [item.image_id for item in items]
        self.labels += labels
        self.before += before
        self.noise += [item.fields["noise"] for item in items]


@dataclass
class Seen:
    """Unit vectors in the shared space, each `(N, E)` on the host, batch by batch.

    Args:
        images: of the images.
        labels: of the captions that are trained on.
        before: of what these were before noise.
    """

    images: list[Tensor] = field(default_factory=list)
    labels: list[Tensor] = field(default_factory=list)
    before: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class Truth:
    """Captions in batches, and what is so of them.

    Args:
        rows: of each batch, `(b,)`.
        own: `(b, b)` bool for each: the caption says the same as the image's own label.
        true: `(b, b)` bool for each: the caption is known to be true of the image.
    """

    rows: list[Tensor]
    own: list[Tensor]
    true: list[Tensor]

    @classmethod
    def of(cls, split: Split, captions: Captions, batch_size: int) -> Truth:
        """All items in order, in batches of about equal size."""
        count = len(captions.indices)
        rows = list(torch.arange(count).tensor_split(math.ceil(count / batch_size)))
        own, true = [], []
        for batch in rows:
            images = [captions.indices[row] for row in batch]
            texts = [captions.labels[row] for row in batch]
            own.append(torch.tensor([[text == label for text in texts] for label in texts]))
            told = [[split.holds(image, text) is True for text in texts] for image in images]
            true.append(torch.tensor(told))
        return cls(rows, own, true)


@dataclass(frozen=True)
class Advice:
    """What is advised about each of N images, `(N,)` float64 each.

    Args:
        gain: how much more similar the caption before noise is than the label, cosine.
        on_label: share of the advice that falls on the image's own label.
        on_true: share that falls on captions that are true of the image.
        first_true: 1 where the caption advised most is true of the image.
    """

    gain: Tensor
    on_label: Tensor
    on_true: Tensor
    first_true: Tensor


def advise(seen: Seen, truth: Truth, temperature: float) -> Advice:
    """ITC's soft targets: similarities over the temperature, as probabilities in each batch."""
    images, labels = torch.cat(seen.images).double(), torch.cat(seen.labels).double()
    gain = (images * (torch.cat(seen.before).double() - labels)).sum(1)
    on_label, on_true, first = [], [], []
    for rows, own, true in zip(truth.rows, truth.own, truth.true, strict=True):
        share = (images[rows] @ labels[rows].T / temperature).softmax(1)
        on_label.append((share * own).sum(1))
        on_true.append((share * true).sum(1))
        first.append(true.gather(1, share.argmax(1, keepdim=True))[:, 0].double())
    return Advice(gain, torch.cat(on_label), torch.cat(on_true), torch.cat(first))


def show(
    subject: Subject, who: dict[str, Network], split: Split, limit: int
) -> tuple[Captions, dict[str, Seen]]:
    """Show images and captions to some networks.

    Args:
        subject: how things are shown.
        who: by name; all of them read images and texts and project them.
        split: what to show.
        limit: only so many items, the first ones.

    Raises:
        ComponentError: the data do not say what is noise.
        DataError: there are no items, or too many cannot be read.
    """
    captions, seen = Captions(), {name: Seen() for name in who}
    for indices, items in read_items(subject, split, limit):
        _require_known_noise(subject, items)
        labels = [split.clean(item.text, subject.max_words) for item in items]
        before = [split.clean(item.fields["clean_text"], subject.max_words) for item in items]
        captions.add(indices, items, labels, before)
        columns = fields_read(subject, [item.image for item in items], [i.fields for i in items])
        for name, network in who.items():
            image, text = _look(subject, network, columns, labels + before)
            seen[name].images.append(image)
            seen[name].labels.append(text[: len(items)])
            seen[name].before.append(text[len(items) :])
    if not captions.indices:
        raise DataError("there are no items to ask about")
    return captions, seen


def _look(
    subject: Subject, network: Network, columns: tuple[Tensor, ...], texts: list[str]
) -> tuple[Tensor, Tensor]:
    vision, encoder = require_encoders(network)
    view = encoder.tokenizer.encode(texts, encoder.max_tokens)
    with subject.autocast():
        image = vision(*columns)
        text = encoder(view.ids.to(subject.device), view.mask.to(subject.device))
    return network.image_features(image).cpu(), network.text_features(text).cpu()


def _require_known_noise(subject: Subject, items: list[Item]) -> None:
    if any(not {"noise", "clean_text"} <= item.fields.keys() for item in items):
        kind = type(subject.dataset).__name__
        message = f"this needs data that know their noise (scenes), and {kind} do not"
        raise ComponentError(f"{message}: leave this evaluator out")
