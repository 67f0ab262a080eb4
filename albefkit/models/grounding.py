"""Where a network looks in an image: Grad-CAM maps for people (spec 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from albefkit.alignment.space import Space
from albefkit.evaluation.base import Subject
from albefkit.evaluation.reading import require_fusing, require_reading
from albefkit.gradcam.maps import Middles, real_words, sentence_maps, summary_maps, word_maps
from albefkit.gradcam.overlay import overlay, save_overlay
from albefkit.gradcam.tracing import (
    cross_attentions,
    image_attentions,
    layout,
    trace_match,
    trace_similarity,
)
from albefkit.models.inputs import Picture, pixels, require_pairs
from albefkit.models.pairs import encode_texts, pair_batches, read_images, slices
from albefkit.registry.errors import ComponentError


@dataclass(frozen=True)
class Grounded:
    """Where a text is in an image; larger values say it louder.

    Args:
        sentence: `(rows, columns)` float32, for the text as a whole.
        words: W pieces that the text was read in.
        word_maps: `(W, rows, columns)` float32, for each of them; W is 0 where similarity is
            traced, as images are compared with whole texts.
        middles: where on the image rows and columns look; None: in the middle of equal cells.
    """

    sentence: np.ndarray
    words: tuple[str, ...]
    word_maps: np.ndarray
    middles: Middles | None = None

    def overlay(self, image: Picture, word: int | None = None) -> np.ndarray:
        """The image with the map over it, `(H, W, 3)` uint8.

        Args:
            image: the one that was asked about.
            word: the place of a word in `words`; None: the map of the text as a whole.

        Raises:
            DataError: the image cannot be read.
        """
        return overlay(pixels(image), self._map(word), self.middles)

    def save(self, path: Path, image: Picture, word: int | None = None) -> None:
        """Write what `overlay` gives to a PNG.

        Args:
            path: of the file.
            image: as for `overlay`.
            word: likewise.

        Raises:
            DataError: the image cannot be read.
            OSError: the file cannot be written.
        """
        save_overlay(path, pixels(image), self._map(word), self.middles)

    def _map(self, word: int | None) -> Tensor:
        return torch.from_numpy(self.sentence if word is None else self.word_maps[word])


def ground_match(
    subject: Subject,
    items: Sequence[tuple[Picture, ...]],
    texts: Sequence[str],
    head: str,
    layer: int | None,
) -> Iterator[Grounded]:
    """What words look at that makes a matching head say yes.

    Args:
        subject: who looks.
        items: as for `pair_batches`.
        texts: likewise.
        head: the objective whose head judges pairs.
        layer: of fusion, from 0; None: the middle one, the third of six as released.

    Raises:
        ComponentError: the network has no such maps, or no such layer.
        DataError: there are not as many of both, or an image cannot be read.
    """
    vision, encoder, fusion = require_fusing(subject.network)
    where, chosen = layout(vision), _layer(cross_attentions(fusion), layer)
    tokenizer = encoder.tokenizer
    for pairs in pair_batches(subject, items, texts):
        ((trace,), _) = trace_match(
            subject.network,
            pairs.image,
            pairs.text,
            pairs.image_index,
            pairs.text_index,
            [chosen],
            head=head,
            autocast=subject.autocast,
        )
        maps = word_maps(trace, pairs.text_mask, where)
        sentences = sentence_maps(maps).cpu().numpy()
        real = real_words(pairs.view.ids, pairs.view.mask, tokenizer.special_ids).cpu()
        ids = pairs.view.ids.cpu()
        for row, text in enumerate(pairs.text_index.tolist()):
            places = real[text]
            words = tuple(tokenizer.words(ids[text][places].tolist()))
            each = maps[row].cpu()[places].numpy()
            yield Grounded(sentences[row], words, each, where.middles)


def ground_similarity(
    subject: Subject,
    items: Sequence[tuple[Picture, ...]],
    texts: Sequence[str],
    layer: int | None,
) -> Iterator[Grounded]:
    """What an image's summary looks at that makes the image similar to the text.

    Args:
        subject: who looks.
        items: one image each, as many as texts, or one of either for all.
        texts: cleaned.
        layer: of the image encoder, from 0; None: the middle one.

    Raises:
        ComponentError: the network has no such maps, or no such layer.
        DataError: there are not as many of both, or an image cannot be read.
    """
    network, space = subject.network, subject.space
    if network.text_projection is None or not isinstance(space, Space):
        raise ComponentError("maps of similarity need a shared space (alignment)")
    vision = require_reading(network)[0]
    where, chosen = layout(vision), _layer(image_attentions(vision), layer)
    total = require_pairs(len(items), len(texts))
    items, texts = [*items] * (total // len(items)), [*texts] * (total // len(texts))
    for rows in slices(subject, total, "pairs"):
        _, text = encode_texts(subject, texts[rows])
        ((trace,), _) = trace_similarity(
            network,
            read_images(subject, items[rows]),
            network.text_features(text),
            space.temperature,
            [chosen],
            autocast=subject.autocast,
        )
        for sentence in summary_maps(trace, where).cpu().numpy():
            no_words = np.zeros((0, *sentence.shape), sentence.dtype)
            yield Grounded(sentence, (), no_words, where.middles)


def _layer(attentions: Sequence[nn.Module], layer: int | None) -> nn.Module:
    number = (len(attentions) - 1) // 2 if layer is None else layer
    if not 0 <= number < len(attentions):
        raise ComponentError(f"layer is {number}, and there are 0 to {len(attentions) - 1}")
    return attentions[number]
