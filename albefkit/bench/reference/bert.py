"""BERT's layers, below and above the place where the image comes in (spec 1.3)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albefkit.bench.reference.attention import attend
from albefkit.layers.attention import Attention
from albefkit.layers.cross_layer import CrossLayer


def embed(embeddings: Any, ids: Tensor) -> Tensor:
    """Words `(R, L)` plus positions plus the first type of text, normalised, `(R, L, D)`."""
    places = torch.arange(ids.shape[1], device=ids.device)[None]
    tokens = embeddings.word_embeddings(ids)
    tokens = tokens + embeddings.token_type_embeddings(torch.zeros_like(ids))
    tokens = tokens + embeddings.position_embeddings(places)
    return embeddings.dropout(embeddings.LayerNorm(tokens))


def text_layer(layer: Any, tokens: Tensor, mask: Tensor) -> Tensor:
    """A layer of transformers' BERT on `(R, L, D)`; `mask` is added to scores."""
    own, output = layer.attention.self, layer.attention.output
    seen = attend(
        own.query(tokens),
        own.key(tokens),
        own.value(tokens),
        own.num_attention_heads,
        mask,
        own.dropout.p if own.training else 0.0,
    )
    tokens = output.LayerNorm(output.dropout(output.dense(seen)) + tokens)
    added = layer.output.dense(F.gelu(layer.intermediate.dense(tokens)))
    return layer.output.LayerNorm(layer.output.dropout(added) + tokens)


def fusion_layer(
    layer: CrossLayer, tokens: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor
) -> Tensor:
    """A layer with a look elsewhere in the middle.

    Args:
        layer: whose weights.
        tokens: `(R, L, D)`.
        mask: added to the scores of tokens.
        memory: `(R, N, memory width)`; its keys and values are made for every row anew.
        memory_mask: added to the scores of the memory.
    """
    seen = _look(layer.self_attention, tokens, tokens, mask)
    tokens = layer.self_attention_norm(layer.dropout(seen) + tokens)
    seen = _look(layer.cross_attention, tokens, memory, memory_mask)
    tokens = layer.cross_attention_norm(layer.dropout(seen) + tokens)
    added = layer.feed_forward.contract(F.gelu(layer.feed_forward.expand(tokens)))
    return layer.feed_forward_norm(layer.dropout(added) + tokens)


def word_logits(head: Any, states: Tensor, words: nn.Embedding) -> Tensor:
    """Logits `(R, L, V)` over the vocabulary, at every position `(R, L, D)`."""
    return F.linear(head.norm(F.gelu(head.dense(states))), words.weight, head.bias)


def _look(attention: Attention, tokens: Tensor, at: Tensor, mask: Tensor) -> Tensor:
    seen = attend(
        attention.query(tokens),
        attention.key(at),
        attention.value(at),
        attention.heads,
        mask,
        attention.dropout if attention.training else 0.0,
    )
    return attention.output(seen)
