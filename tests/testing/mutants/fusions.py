"""Wrong fusions."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from albefkit.fusion.co_attention import CoAttention
from albefkit.tensors import Encoded, Fused
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder


class LooksAtEmptyPlaces(CoAttention):
    """Takes every image token for a real one."""

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        return super().forward(replace(image, mask=None), text, image_index, text_index)


class EditsWords(CoAttention):
    """Adds the type embedding to the shared words in place."""

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        with torch.no_grad():
            text.tokens.add_(self.type_embeddings.weight[0].to(text.tokens))
        return super().forward(image, text, image_index, text_index)


class SortsPairs(CoAttention):
    """Gives the pairs image by image, in whatever order they were asked for."""

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        order = image_index.argsort(stable=True)
        return super().forward(image, text, image_index[order], text_index[order])


class KnowsRowNumbers(CoAttention):
    """Tells images apart by their place in the table."""

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        place = torch.arange(len(image.tokens))[:, None, None].to(image.tokens)
        placed = replace(image, tokens=image.tokens + place)
        return super().forward(placed, text, image_index, text_index)


class NormalisesPairs(CoAttention):
    """In training, summaries depend on who else is in the batch."""

    def __init__(
        self,
        vision: VisionEncoder,
        text: TextEncoder,
        *,
        layers: int = 1,
        heads: int = 2,
        feed_forward: int = 16,
    ) -> None:
        super().__init__(vision, text, layers=layers, heads=heads, feed_forward=feed_forward)
        self.norm = nn.BatchNorm1d(2 * text.width, affine=False)

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        found = super().forward(image, text, image_index, text_index)
        return replace(found, pooled=self.norm(found.pooled))


class LearnsFromWordsAlone(CoAttention):
    """Lets no gradient through to the image encoder."""

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        seen = replace(image, tokens=image.tokens.detach())
        return super().forward(seen, text, image_index, text_index)


class TakesNoMaskForEmpty(CoAttention):
    """Where no mask is given only the first image token is looked at."""

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        mask = image.mask
        if mask is None:
            mask = torch.zeros_like(image.tokens[..., 0], dtype=torch.bool)
            mask[:, 0] = True
        return super().forward(replace(image, mask=mask), text, image_index, text_index)


class LiesAboutItsWidth(CoAttention):
    """Says that its summary is as wide as a token."""

    @property
    def pooled_width(self) -> int:
        return self.width


class MixesInFloat32(CoAttention):
    """Mixes words with something that is float32 whatever the words are."""

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        words = torch.lerp(text.tokens, torch.zeros(text.tokens.shape), 0.0)
        return super().forward(image, replace(text, tokens=words), image_index, text_index)


FUSION = {
    LooksAtEmptyPlaces: "padding-changes-nothing",
    EditsWords: "inputs-stay-as-they-are",
    SortsPairs: "pairs-come-in-the-order-given",
    KnowsRowNumbers: "repeated-rows-are-gathered-rows",
    NormalisesPairs: "pairs-do-not-influence-each-other",
    LearnsFromWordsAlone: "both-sides-get-a-gradient",
    TakesNoMaskForEmpty: "no-mask-means-all-are-real",
    LiesAboutItsWidth: "shapes-are-as-declared",
    MixesInFloat32: "works-in-bfloat16",
}
