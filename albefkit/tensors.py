"""What passes between the parts of a network.

Legend for shapes, used everywhere: B batch, R rows of a table, N image tokens, L text tokens,
D width, E width of the shared space, P pairs, K keys, C classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from albefkit.registry.errors import ComponentError, Problem

IGNORED = -100
"""The label of a token that is not to be predicted."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder says about a table of rows.

    Args:
        tokens: `(R, N, D)`.
        mask: `(R, N)` bool, true where a token is real; None when all are.
        pooled: `(R, D)`, the row's own summary ([CLS] for a transformer).
    """

    tokens: Tensor
    mask: Tensor | None
    pooled: Tensor

    def rows(self, index: Tensor | slice) -> Encoded:
        """Pick rows: `index` is `(R',)` int64 or a slice."""
        mask = None if self.mask is None else self.mask[index]
        return Encoded(self.tokens[index], mask, self.pooled[index])


@dataclass(frozen=True, slots=True)
class Fused:
    """What fusion says about P (image, text) pairs.

    Args:
        text_tokens: `(P, L, D)`.
        image_tokens: `(P, N, D)`, or None where fusion leaves image tokens as they are.
        pooled: `(P, D)`, or as wide as fusion says, the summary of the pair that heads judge.
    """

    text_tokens: Tensor
    image_tokens: Tensor | None
    pooled: Tensor

    def rows(self, index: Tensor | slice) -> Fused:
        """Pick pairs: `index` is `(P',)` int64 or a slice."""
        image_tokens = None if self.image_tokens is None else self.image_tokens[index]
        return Fused(self.text_tokens[index], image_tokens, self.pooled[index])


@dataclass(frozen=True, slots=True)
class TextView:
    """One way of showing a batch's texts: the texts themselves, or masked, or shuffled.

    Token ids stay on the host until they are encoded, so that choices about words cost no device
    synchronisation.

    Args:
        ids: `(R, L)` int64.
        mask: `(R, L)` bool, true where a token is real (padding is on the right).
        labels: `(R, L)` int64, the word to be found where one is hidden and `IGNORED` elsewhere;
            None when nothing is hidden.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ImageView:
    """One way of showing a batch's images: with something hidden, say.

    Args:
        fields: what the vision encoder `reads`, in that order, each with R rows, on the device.
        labels: what is to be found where something is hidden, as its objective wants it.
    """

    fields: tuple[Tensor, ...]
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.fields[0])


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which image meets which text, as indices: tokens are never copied to make a pair.

    Args:
        image: `(P,)` int64, rows of the view named `image_view`; `(P, n)` where a text meets n
            images at once.
        text: `(P,)` int64, rows of the view named `view`.
        view: the name of a text view of the step ("text" is the batch's own).
        image_view: the name of an image view of the step ("images" are the batch's own).
        weight: `(P,)` float, 0 where a pair stands for nothing (no legal negative); None: all 1.
    """

    image: Tensor
    text: Tensor
    view: str = "text"
    image_view: str = "images"
    weight: Tensor | None = None

    def __len__(self) -> int:
        return self.image.shape[0]


@dataclass(frozen=True, slots=True)
class Answers:
    """What may be answered to a batch's questions, A answers in all.

    Args:
        text: the answers, each closed by [SEP], on the host.
        question: `(A,)` int64, the row of the batch that each answers; ascending.
        weight: `(A,)` float, what each counts.
    """

    text: TextView
    question: Tensor
    weight: Tensor

    def to(self, device: torch.device, non_blocking: bool = False) -> Answers:
        """The same with everything but the words on `device`."""
        return replace(
            self,
            question=self.question.to(device, non_blocking=non_blocking),
            weight=self.weight.to(device, non_blocking=non_blocking),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch: B texts with n images each.

    Args:
        images: `(B n, 3, H, W)` float, normalised; those of a text follow one another.
        text: the batch's texts, on the host.
        image_id: `(B,)` int64; rows with equal ids show the same image (their first, if several).
        text_id: `(B,)` int64; rows with equal ids carry the same words.
        fields: everything else a dataset gives (`noisy`, `label`, `answers`, `regions`, ...).
    """

    images: Tensor
    text: TextView
    image_id: Tensor
    text_id: Tensor
    fields: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.image_id)

    @property
    def image_rows(self) -> Tensor:
        """Rows of `images` by text: `(B,)`, or `(B, n)` where a text speaks of several."""
        rows = torch.arange(len(self.images), device=self.images.device)
        several = len(self.images) > len(self)
        return rows.unflatten(0, (len(self), -1)) if several else rows

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Batch:
        """The batch with everything but its texts on `device`, images in `dtype`."""
        fields = {
            name: value.to(device, non_blocking=True)
            if isinstance(value, Tensor | Answers)
            else value
            for name, value in self.fields.items()
        }
        return replace(
            self,
            images=self.images.to(device, dtype, non_blocking=True),
            image_id=self.image_id.to(device, non_blocking=True),
            text_id=self.text_id.to(device, non_blocking=True),
            fields=fields,
        )

    def read(self, name: str) -> Any:
        """A field by the name a vision encoder `reads`: an attribute or an entry of `fields`.

        Raises:
            ComponentError: the data do not give it.
        """
        return self.images if name == "images" else require_field(self.fields, name)


def require_field(fields: Mapping[str, Any], name: str) -> Any:
    """What a dataset gives by the name `name`.

    Raises:
        ComponentError: it does not.
    """
    if name not in fields:
        message = f"the vision encoder reads '{name}', and the data give no such field"
        given = ", ".join(sorted(fields)) or "none"
        hint = f"Take another 'data' or 'model.vision'. Fields beside the images: {given}."
        raise ComponentError(Problem("", "model.vision", message, hint))
    return fields[name]
