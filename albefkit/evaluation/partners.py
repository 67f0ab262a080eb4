"""Right and wrong partners, drawn from a split as training draws them from its batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from albefkit.alignment.keys import Candidates
from albefkit.alignment.space import Similarities, Space
from albefkit.data.base import Split
from albefkit.evaluation.base import Subject
from albefkit.evaluation.encoded_items import EncodedItems
from albefkit.evaluation.reading import require_fusing
from albefkit.evaluation.reranking import PAIRS_PER_ROW, judge
from albefkit.network import Network
from albefkit.objectives.negatives import Negatives
from albefkit.registry.errors import ComponentError, DataError
from albefkit.seeding import torch_generator
from albefkit.tensors import Batch


@dataclass(frozen=True)
class Drawn:
    """P pairs, as rows of some items, on the host.

    Args:
        image: `(P,)` int64, whose image.
        text: `(P,)` int64, whose text.
        asker: `(P,)` int64, for whom the pair was drawn; one of the two.
    """

    image: Tensor
    text: Tensor
    asker: Tensor

    def __len__(self) -> int:
        return len(self.asker)

    def only(self, rows: Tensor) -> Drawn:
        """Some of them: `(P,)` bool."""
        return Drawn(self.image[rows], self.text[rows], self.asker[rows])


def join(parts: Sequence[Drawn]) -> Drawn:
    """All of them, in order."""
    columns = zip(*((part.image, part.text, part.asker) for part in parts), strict=True)
    return Drawn(*(torch.cat(column) for column in columns))


def require_comparable(network: Network, negatives: Negatives) -> None:
    """Refuse to draw by similarity what is not compared.

    Raises:
        ComponentError: nothing is aligned.
    """
    aligned = network.image_projection is not None and network.text_projection is not None
    if "features" in negatives.needs and not aligned:
        message = (
            f"partners are drawn by similarity ({type(negatives).__name__}), and this network has "
            "no space that images and texts share (alignment, objectives.itc)"
        )
        raise ComponentError(f"{message}: say negatives: random, or leave this evaluator out")


def require_head(network: Network, head: str) -> None:
    """Refuse a network that does not judge pairs.

    Raises:
        ComponentError: it does not fuse, or has no such head.
    """
    require_fusing(network)
    if head not in network.heads:
        there = ", ".join(network.heads) or "none"
        message = f"this needs a head '{head}' that judges pairs; heads: {there}"
        raise ComponentError(f"{message}. Say head: NAME, or leave this evaluator out")


def own_partners(items: EncodedItems) -> Drawn:
    """Each text with its own image."""
    rows = torch.arange(len(items))
    return Drawn(rows, rows, rows)


def wrong_partners(
    subject: Subject, items: EncodedItems, negatives: Negatives, batch_size: int, epoch: int = 0
) -> tuple[Drawn, Drawn]:
    """A wrong image for each text and a wrong text for each image, as one epoch draws them.

    The batches and the random numbers are the same whoever is examined.

    Args:
        subject: whose similarities they are drawn by.
        items: whom for.
        negatives: how.
        batch_size: B, of the batches that partners are drawn from; they are of about equal size.
        epoch: another one has other batches.

    Raises:
        DataError: nobody has a wrong partner.
    """
    order = torch.randperm(len(items), generator=torch_generator("partners", epoch))
    images, texts = [], []
    for turn, rows in enumerate(order.tensor_split(math.ceil(len(items) / batch_size))):
        occasion = _Occasion(subject, items, rows)
        wrong = negatives.draw(occasion, torch_generator("partners", epoch, turn))
        image, text = rows[wrong.image.cpu()], rows[wrong.text.cpu()]
        images.append(Drawn(image, rows, rows).only(wrong.image_found.cpu() > 0))
        texts.append(Drawn(rows, text, rows).only(wrong.text_found.cpu() > 0))
    found = join(images), join(texts)
    if not len(found[0]) + len(found[1]):
        raise DataError(f"none of the {len(items)} items has a wrong partner: all are alike")
    return found


def match_probabilities(subject: Subject, items: EncodedItems, pairs: Drawn, head: str) -> Tensor:
    """How likely each pair matches, by the head of objective `head`: `(P,)` float64 on the host."""
    parts = []
    for rows in torch.arange(len(pairs)).split(PAIRS_PER_ROW * subject.batch_size):
        image, image_index = pairs.image[rows].unique(return_inverse=True)
        text, text_index = pairs.text[rows].unique(return_inverse=True)
        logits = judge(
            subject,
            items.image.rows(image.to(subject.device)),
            items.text.rows(text.to(subject.device)),
            (image_index.to(subject.device), text_index.to(subject.device)),
            head,
        )
        parts.append(logits.softmax(1)[:, -1].cpu())
        subject.progress("pairs judged", int(rows[-1]) + 1, len(pairs))
    return torch.cat(parts)


def truths(split: Split, items: EncodedItems, pairs: Drawn) -> Tensor:
    """Whether each pair truly matches, `(P,)` float64: 1, 0, or NaN where nobody knows."""
    said = [
        split.holds(items.indices[image], items.texts[text])
        for image, text in zip(pairs.image.tolist(), pairs.text.tolist(), strict=True)
    ]
    numbers = [math.nan if truth is None else float(truth) for truth in said]
    return torch.tensor(numbers, dtype=torch.float64)


def alike(items: EncodedItems, pairs: Drawn) -> Tensor:
    """Whether image and text of each pair are known to belong together because the images are the
    same or the words are: `(P,)` float64.
    """
    image_id, text_id = items.batch.image_id.cpu(), items.batch.text_id.cpu()
    same = image_id[pairs.image] == image_id[pairs.text]
    return (same | (text_id[pairs.image] == text_id[pairs.text])).double()


class _Occasion:
    """Some items as a training batch, as far as choosing partners goes."""

    def __init__(self, subject: Subject, items: EncodedItems, rows: Tensor) -> None:
        self.device = subject.device
        self._space, self._items = subject.space, items
        self._rows = rows.to(subject.device)

    @property
    def batch(self) -> Batch:
        """Without pixels."""
        return self._items.rows(self._rows)

    @property
    def student(self) -> _Occasion:
        """It compares."""
        return self

    def similarities(self) -> Similarities:
        """Within the batch: what a queue holds besides is nobody's partner."""
        features, keys, space = self._items.features, self._items.keys, self._space
        assert features is not None and keys is not None and isinstance(space, Space)
        image, text = features.rows(self._rows)
        key_image, key_text = keys.rows(self._rows)
        batch = self.batch
        count = torch.tensor(float(len(batch)), device=self.device)
        candidates = Candidates(key_image, key_text, batch.image_id, batch.text_id, None, count)
        return Similarities(
            image @ key_text.T / space.temperature,
            text @ key_image.T / space.temperature,
            candidates,
        )
