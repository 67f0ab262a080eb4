"""A network of albefkit, run the way the released code runs its own."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.bench.reference.attention import CROSS_MASKED, SELF_MASKED, additive
from albefkit.bench.reference.bert import embed, fusion_layer, text_layer, word_logits
from albefkit.bench.reference.vit import image_tokens, is_released_vit
from albefkit.fusion.cross_attention import CrossAttention
from albefkit.layers.cross_layer import CrossLayer
from albefkit.network import Network
from albefkit.registry.errors import ComponentError, Problem
from albefkit.text.bert import Bert
from albefkit.vision.timm_model import TimmModel


class Seen(NamedTuple):
    """What an encoder says about R rows.

    Args:
        tokens: `(R, N, D)`.
        feature: `(R, E)`, unit vectors in the shared space.
    """

    tokens: Tensor
    feature: Tensor


class ReleasedNetwork:
    """Encoders, fusion and word head called one by one, each as often as somebody asks.

    Holds no weights of its own. A tower that the released code does not know is called as it is.

    Args:
        network: whose weights; it must be built of timm, bert and cross-attention.

    Raises:
        ComponentError: it is not.
    """

    def __init__(self, network: Network) -> None:
        problems = list(_strangers(network))
        if problems:
            raise ComponentError(problems)
        self._network = network
        self._vision = cast(TimmModel, network.vision)
        self._text: Any = cast(Bert, network.text).model
        layers = cast(CrossAttention, network.fusion).layers
        self._fusion_layers = [cast(CrossLayer, layer) for layer in layers]
        self._plain = is_released_vit(self._vision.model)

    def images(self, images: Tensor) -> Seen:
        """Encode images `(R, 3, H, W)`."""
        if self._plain:
            tokens = image_tokens(self._vision.model, images)
            return Seen(tokens, _project(self._network.image_projection, tokens[:, 0]))
        encoded = self._vision(images)
        return Seen(encoded.tokens, _project(self._network.image_projection, encoded.pooled))

    def texts(self, ids: Tensor, mask: Tensor) -> Seen:
        """Encode texts `(R, L)`: the released mode `text`."""
        tokens = self._read(ids, mask)
        return Seen(tokens, _project(self._network.text_projection, tokens[:, 0]))

    def fuse(self, tokens: Tensor, mask: Tensor, image: Tensor) -> Tensor:
        """Let encoded texts look at images: the released mode `fusion`.

        Args:
            tokens: `(R, L, D)`.
            mask: `(R, L)` bool, true where a token is real.
            image: `(R, N, image width)`, the image of each row.

        Returns:
            `(R, L, D)`.
        """
        everything = torch.ones(image.shape[:2], device=image.device)
        own_mask = additive(mask, SELF_MASKED, tokens)
        image_mask = additive(everything, CROSS_MASKED, tokens)
        for layer in self._fusion_layers:
            tokens = fusion_layer(layer, tokens, own_mask, image, image_mask)
        return tokens

    def read_with_image(self, ids: Tensor, mask: Tensor, image: Tensor) -> Tensor:
        """All layers, from words on: the released mode `multi_modal`; as in `fuse`."""
        return self.fuse(self._read(ids, mask), mask, image)

    def words(self, states: Tensor, head: str) -> Tensor:
        """Logits `(R, L, V)` at all positions `(R, L, D)`, of the head of an objective."""
        return word_logits(self._network.heads[head], states, self._text.embeddings.word_embeddings)

    def _read(self, ids: Tensor, mask: Tensor) -> Tensor:
        tokens = embed(self._text.embeddings, ids)
        own_mask = additive(mask, SELF_MASKED, tokens)
        for layer in self._text.encoder.layer:
            tokens = text_layer(layer, tokens, own_mask)
        return tokens


def _project(projection: nn.Module | None, summary: Tensor) -> Tensor:
    assert projection is not None
    return F.normalize(projection(summary), dim=-1)


def _strangers(network: Network) -> list[Problem]:
    """Parts that the released network does not have."""
    expected = {"vision": TimmModel, "text": Bert, "fusion": CrossAttention}
    problems = []
    for name, kind in expected.items():
        part = getattr(network, name)
        if type(part) is not kind:
            given = "nothing" if part is None else type(part).__name__
            problems.append(_problem(name, f"is {given}, and the reference runs {kind.__name__}."))
    if not problems and not _is_bert(cast(Bert, network.text).model):
        made = cast(Bert, network.text).model.config.model_type
        problems.append(_problem("text", f"is of type {made}, and the reference runs bert."))
    return problems


def _problem(part: str, message: str) -> Problem:
    return Problem("", f"model.{part}", message, "Compare with another recipe instead.")


def _is_bert(model: Any) -> bool:
    return model.config.model_type == "bert" and model.config.hidden_act == "gelu"
