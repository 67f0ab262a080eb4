"""Grad-CAM of attention: from weights and their gradients to maps over the image (spec 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Middles = tuple[Sequence[float], Sequence[float]]
"""Where on the image the rows and the columns of a grid look, in shares of its sides."""


class Trace(NamedTuple):
    """What one layer looked at, and how a score depends on it.

    Args:
        weights: `(R, heads, L, N)`, softmaxed, before dropout.
        gradients: `(R, heads, L, N)`, of the sum of all rows' scores.
    """

    weights: Tensor
    gradients: Tensor


class Layout(NamedTuple):
    """Where image tokens lie.

    Args:
        prefix: tokens before those of the grid.
        rows: of the grid.
        columns: of the grid.
        middles: where on the image rows and columns look, in shares of its sides; None: in the
            middle of equal cells.
    """

    prefix: int
    rows: int
    columns: int
    middles: Middles | None = None

    @property
    def tokens(self) -> int:
        """N, all tokens of an image."""
        return self.prefix + self.rows * self.columns


def word_maps(trace: Trace, mask: Tensor | None, layout: Layout) -> Tensor:
    """Where each token of a text looked in favour of a match, `(R, L, rows, columns)`.

    The mean over heads of weights times gradients, where these are positive.

    Args:
        trace: of a layer in which R texts look at their images.
        mask: `(R, L)` bool, true where a token is real; others have a map of zeros.
        layout: of the image tokens.
    """
    maps = _relevance(trace)
    if mask is not None:
        maps = maps * mask[..., None]
    return _on_grid(maps, layout)


def sentence_maps(words: Tensor, counted: Tensor | None = None) -> Tensor:
    """Where a text as a whole looked, `(R, rows, columns)`.

    Args:
        words: `(R, L, rows, columns)`, from `word_maps`.
        counted: `(R, L)` bool, the tokens that count, e.g. `real_words`. None takes the mean over
            all L positions, [CLS] and padding included, as the released code does.
    """
    if counted is None:
        return words.mean(1)
    shares = counted.to(words.dtype)
    shares = shares / shares.sum(1, keepdim=True).clamp(min=1)
    return torch.einsum("rl,rlyx->ryx", shares, words)


def real_words(ids: Tensor, mask: Tensor, special_ids: Sequence[int] | frozenset[int]) -> Tensor:
    """Which tokens are words: neither padding nor an entry like [CLS] that plays a role.

    Args:
        ids: `(R, L)` int64.
        mask: `(R, L)` bool, true where a token is real.
        special_ids: of the entries that play a role.
    """
    special = torch.tensor(sorted(special_ids), device=ids.device)
    return mask & ~torch.isin(ids, special)


def summary_maps(trace: Trace, layout: Layout) -> Tensor:
    """Where an image's [CLS] looked in favour of the score, `(R, rows, columns)`.

    Args:
        trace: of a layer in which image tokens look at one another, the first query being [CLS].
        layout: of the image tokens.
    """
    first = Trace(trace.weights[:, :, :1], trace.gradients[:, :, :1])
    return _on_grid(_relevance(first), layout)[:, 0]


def _relevance(trace: Trace) -> Tensor:
    """Over heads, `(R, L, N)`, in float32 or better."""
    exact = torch.promote_types(trace.weights.dtype, torch.float32)
    return (trace.weights.to(exact) * trace.gradients.to(exact).clamp(min=0)).mean(1)


def _on_grid(maps: Tensor, layout: Layout) -> Tensor:
    return maps[..., layout.prefix :].unflatten(-1, (layout.rows, layout.columns))
