"""Wrong encoders of images and texts."""

from __future__ import annotations

import random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.tensors import Encoded
from albefkit.text.embeddings import Embeddings
from albefkit.text.tokenizer import Corpus
from albefkit.vision.patches import Patches


def with_tokens(tokens: Tensor) -> Encoded:
    return Encoded(tokens, None, tokens[:, 0])


class NarrowSummary(Patches):
    """Its summary is narrower than it says."""

    def forward(self, images: Tensor) -> Encoded:
        found = super().forward(images)
        return Encoded(found.tokens, None, found.pooled[:, 1:])


class CentresTheBatch(Patches):
    """Takes the mean of the batch from every row."""

    def forward(self, images: Tensor) -> Encoded:
        tokens = super().forward(images).tokens
        return with_tokens(tokens - tokens.mean(0))


class NormalisesTheBatch(Patches):
    """Batch normalisation by the batch's own statistics, when evaluated too."""

    def forward(self, images: Tensor) -> Encoded:
        tokens = super().forward(images).tokens
        return with_tokens(F.batch_norm(tokens.mT, None, None, training=True).mT)


class EditsImages(Patches):
    """Centres the images it was given in place."""

    def forward(self, images: Tensor) -> Encoded:
        return super().forward(images.sub_(images.mean((1, 2, 3), keepdim=True)))


class SinglePrecision(Patches):
    """Says everything in float32."""

    def forward(self, images: Tensor) -> Encoded:
        return with_tokens(super().forward(images).tokens.float())


class ForgetsItsScale(Patches):
    """Has random numbers that are in no state_dict."""

    def __init__(self, *, image_size: int = 16, patch_size: int = 8, width: int = 12) -> None:
        super().__init__(image_size=image_size, patch_size=patch_size, width=width)
        self.scale = torch.rand(width)

    def forward(self, images: Tensor) -> Encoded:
        tokens = super().forward(images).tokens
        return with_tokens(tokens * self.scale.to(tokens))


class SeedsEverybody(Patches):
    """Repeatable, at everybody's expense."""

    def forward(self, images: Tensor) -> Encoded:
        torch.manual_seed(0)
        return super().forward(images)


class SeedsPython(Patches):
    """Seeds a generator that it does not even use."""

    def forward(self, images: Tensor) -> Encoded:
        random.seed(0)
        return super().forward(images)


class HasAnUnusedLayer(Patches):
    """A layer that nothing goes through."""

    def __init__(self, *, image_size: int = 16, patch_size: int = 8, width: int = 12) -> None:
        super().__init__(image_size=image_size, patch_size=patch_size, width=width)
        self.classifier = nn.Linear(width, 10)


class CutsTheGradient(Patches):
    """Detaches what it learns from."""

    def forward(self, images: Tensor) -> Encoded:
        tokens = super().forward(images).tokens
        return with_tokens(tokens.detach() + 0 * self.positions)


class AlwaysDropsOut(Patches):
    """Drops out in evaluation mode too."""

    def forward(self, images: Tensor) -> Encoded:
        return with_tokens(F.dropout(super().forward(images).tokens, 0.5, training=True))


class HoldsOnToItsLayer(Patches):
    """Looks through a function that a copy shares with it."""

    def __init__(self, *, image_size: int = 16, patch_size: int = 8, width: int = 12) -> None:
        super().__init__(image_size=image_size, patch_size=patch_size, width=width)
        projection = self.projection
        self.look = lambda images: projection(images).flatten(2).mT

    def forward(self, images: Tensor) -> Encoded:
        patches = self.look(images)
        tokens = torch.cat([self.class_token.expand(len(patches), -1, -1), patches], dim=1)
        return with_tokens(tokens + self.positions)


class SaysNothingOfItself(Patches):
    def __init__(self, *, image_size: int = 16, patch_size: int = 8, width: int = 12) -> None:
        super().__init__(image_size=image_size, patch_size=patch_size, width=width)


class HidesAnOption(Patches):
    """Has an option of which nobody hears."""

    def __init__(
        self, *, image_size: int = 16, patch_size: int = 8, width: int = 12, slope: float = 0.1
    ) -> None:
        super().__init__(image_size=image_size, patch_size=patch_size, width=width)
        self.slope = slope


class CannotBeBuilt(Patches):
    """Breaks while it is built."""

    def __init__(self, *, image_size: int = 16, patch_size: int = 8, width: int = 12) -> None:
        raise RuntimeError("no")


class CountsPadding(Embeddings):
    """Its summary is the mean of all tokens, real or not."""

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        tokens = super().forward(ids, mask).tokens
        return Encoded(tokens, mask, tokens.mean(1))


class TurnsTheMask(Embeddings):
    """Says of padding that it is real."""

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        found = super().forward(ids, mask)
        return Encoded(found.tokens, ~mask, found.pooled)


class KeepsItsTokenizer(Embeddings):
    """Its tokenizer cannot travel to a worker."""

    def __init__(
        self, corpus: Corpus, *, width: int = 16, max_tokens: int = 12, vocabulary: int = 80
    ) -> None:
        super().__init__(corpus, width=width, max_tokens=max_tokens, vocabulary=vocabulary)
        made: Any = self.tokenizer
        made.hook = lambda text: text


VISION = {
    NarrowSummary: "shapes-are-as-declared",
    CentresTheBatch: "one-by-one-is-one-batch",
    NormalisesTheBatch: "one-by-one-is-one-batch",
    EditsImages: "inputs-stay-as-they-are",
    SinglePrecision: "keeps-the-dtype",
    ForgetsItsScale: "state-dict-holds-everything",
    SeedsEverybody: "sets-no-seed",
    SeedsPython: "sets-no-seed",
    HasAnUnusedLayer: "every-weight-learns",
    CutsTheGradient: "every-weight-learns",
    AlwaysDropsOut: "same-seed-same-result",
    HoldsOnToItsLayer: "copies-stand-alone",
    SaysNothingOfItself: "is-documented",
    HidesAnOption: "is-documented",
    CannotBeBuilt: "can-be-built",
}
TEXT = {
    CountsPadding: "padding-changes-nothing",
    TurnsTheMask: "shapes-are-as-declared",
    KeepsItsTokenizer: "words-have-embeddings",
}
