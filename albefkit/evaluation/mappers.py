"""From images and texts to Grad-CAM maps, for a subject under examination."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from albefkit.alignment.space import Space
from albefkit.evaluation.base import Subject
from albefkit.evaluation.reading import require_reading
from albefkit.gradcam.maps import real_words, sentence_maps, summary_maps, word_maps
from albefkit.gradcam.tracing import layout, trace_match, trace_similarity
from albefkit.registry.errors import ComponentError
from albefkit.tensors import TextView

Mapper = Callable[[Tensor, TextView], Tensor]
"""Images `(b, 3, S, S)` and the text of each -> maps `(b, K, rows, columns)`, one per layer."""


def itm_mapper(
    subject: Subject, attentions: Sequence[nn.Module], head: str, *, only_words: bool
) -> Mapper:
    """Where words look that make a matching head say yes.

    Args:
        subject: who looks.
        attentions: K of `cross_attentions`.
        head: the objective whose head judges pairs.
        only_words: leave out what is no word; else every position counts, as released.

    Raises:
        ComponentError: the network cannot read images or texts, or its tokens lie on no grid.
    """
    vision, encoder = require_reading(subject.network)
    where = layout(vision)

    def mapper(pictures: Tensor, view: TextView) -> Tensor:
        with subject.autocast():
            image, text = vision(pictures), encoder(view.ids, view.mask)
        own = torch.arange(len(view.ids), device=view.ids.device)
        traces, _ = trace_match(
            subject.network,
            image,
            text,
            own,
            own,
            attentions,
            head=head,
            autocast=subject.autocast,
        )
        counted = None
        if only_words:
            counted = real_words(view.ids, view.mask, encoder.tokenizer.special_ids)
        words = [word_maps(trace, view.mask, where) for trace in traces]
        return torch.stack([sentence_maps(each, counted) for each in words], dim=1)

    return mapper


def itc_mapper(subject: Subject, attentions: Sequence[nn.Module]) -> Mapper:
    """Where an image looks at itself that makes it similar to its text.

    Args:
        subject: who looks.
        attentions: K of `image_attentions`.

    Raises:
        ComponentError: the network cannot read images or texts, or has no shared space.
    """
    network, space = subject.network, subject.space
    vision, encoder = require_reading(network)
    where = layout(vision)
    if network.text_projection is None or not isinstance(space, Space):
        raise ComponentError("Grad-CAM of ITC needs a shared space (alignment)")

    def mapper(pictures: Tensor, view: TextView) -> Tensor:
        with subject.autocast():
            features = network.text_features(encoder(view.ids, view.mask))
        traces, _ = trace_similarity(
            network, pictures, features, space.temperature, attentions, autocast=subject.autocast
        )
        return torch.stack([summary_maps(trace, where) for trace in traces], dim=1)

    return mapper
