"""Word-patch alignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor

from albefkit.layers.ranges import Count
from albefkit.objectives.base import Objective
from albefkit.objectives.optimal_transport import cosine_cost, transport_plan
from albefkit.predictions import Penalty, at_least_float32
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Pairs

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step


class WordPatch(Objective):
    """How far are the words of a text from its image, once both have been fused?

    ViLT (arXiv 2102.03334, section 3.2, with weight 0.1): what it costs to carry fused words to
    fused image tokens, 1 - cosine a piece, by the plan of optimal transport. Matching pairs are to
    be cheap and others dear; both kinds count the same in all. The plan takes no gradient. [CLS],
    [SEP] and an image's class token are left out.

    Args:
        of: the objective whose pairs are priced: some match, some do not.
        iterations: of the search for the plan (IPOT).
        beta: how strongly each of them holds on to the plan before it, at least 0.05.
    """

    reads = frozenset({"fused"})

    def __init__(
        self,
        name: str,
        *,
        of: str = "itm",
        iterations: Count = 50,
        beta: Annotated[float, Field(ge=0.05)] = 0.5,
    ) -> None:
        super().__init__(name)
        self.of = of
        self.iterations = iterations
        self.beta = beta

    def asks(self, objectives: Mapping[str, Objective]) -> frozenset[str]:
        """Nobody asks the teacher for this.

        Raises:
            ComponentError: there is no objective `of`.
        """
        if self.of not in objectives:
            known = ", ".join(other for other in objectives if other != self.name) or "none"
            message = f"names '{self.of}', which is not an objective of this recipe."
            hint = f"It has: {known}. Without pairs there is no word-patch alignment."
            raise ComponentError(Problem("", f"objectives.{self.name}.of", message, hint))
        return frozenset()

    def predict(self, step: Step, who: ForwardPass) -> Penalty:
        """One row per pair of `of`; one that stands for nothing there does so here.

        Raises:
            ComponentError: these are no pairs, or fusion gives no image tokens.
        """
        pairs = self._pairs(step)
        fused = who.fused(self.of)
        if fused.image_tokens is None:
            fusion = type(who.network.fusion).__name__
            message = f"prices fused image tokens, and {fusion} leaves those as they are."
            hint = "Take 'model.fusion: joint' or 'co-attention', or leave this objective out."
            raise ComponentError(Problem("", f"objectives.{self.name}", message, hint))
        words, patches = self._words(step, who, pairs), _patches(who, pairs)
        with torch.autocast(step.device.type, enabled=False):
            text = at_least_float32(fused.text_tokens)[:, : words.shape[1]]
            cost = cosine_cost(text, at_least_float32(fused.image_tokens))
            plan = transport_plan(cost, words, patches, beta=self.beta, iterations=self.iterations)
            price = (cost * plan).sum((1, 2))
        counts = words.any(1) & patches.any(1)
        return Penalty(price, _signed(pairs, counts.to(price.dtype)))

    def _pairs(self, step: Step) -> Pairs:
        pairs = step.pairs.get(self.of)
        if pairs is None or pairs.image.dim() != 1:
            message = f"names '{self.of}', which does not pair each text with one image."
            hint = "Name an objective that does, and with wrong images too, such as itm."
            raise ComponentError(Problem("", f"objectives.{self.name}.of", message, hint))
        return pairs

    def _words(self, step: Step, who: ForwardPass, pairs: Pairs) -> Tensor:
        """`(P, L)` bool: the tokens that are words."""
        assert who.network.text is not None
        tokenizer = who.network.text.tokenizer
        shown = step.views.get(pairs.view, step.batch.text)
        ends = torch.tensor([tokenizer.cls_id, tokenizer.sep_id or tokenizer.cls_id])
        words = shown.mask & ~torch.isin(shown.ids, ends)
        return words.to(step.device, non_blocking=True).index_select(0, pairs.text)


def _patches(who: ForwardPass, pairs: Pairs) -> Tensor:
    """`(P, N)` bool: the image tokens that are real and lie on the image."""
    vision, images = who.network.vision, who.images()
    assert vision is not None
    real = torch.ones_like(images.tokens[..., 0], dtype=torch.bool)
    if images.mask is not None:
        real = images.mask.clone()
    real[:, : vision.prefix_tokens] = False
    return real.index_select(0, pairs.image + who.first_image(pairs.image_view))


def _signed(pairs: Pairs, counts: Tensor) -> Tensor:
    """`(P,)` weights: positive where a pair matches, negative elsewhere, 0 in sum.

    A pair matches where both are of one row of the batch. In ViLT half of the pairs do; where fewer
    do, raising all prices alike must not be a way to a lower loss.
    """
    weight = counts if pairs.weight is None else counts * pairs.weight.to(counts.dtype)
    matching = (pairs.image == pairs.text).to(weight.dtype)
    right, wrong = weight * matching, weight * (1 - matching)
    return right - wrong * (right.sum() / wrong.sum().clamp(min=1))
