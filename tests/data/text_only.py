"""How well one can answer without a look at the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch.nn import functional as F

from albefkit.data.text import pre_caption


def guesses(texts: Sequence[str], labels: Sequence[int], unseen: Sequence[str]) -> list[int]:
    """Labels of unseen texts by a logistic regression on their words and pairs of words."""
    counts = Counter(part for text in texts for part in _parts(text))
    common = [part for part, count in counts.items() if count > 4]
    places = {part: place for place, part in enumerate(common)}
    table, target = _table(texts, places), torch.tensor(labels)
    weight = torch.zeros(len(places) + 1, max(labels) + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=25, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(table @ weight, target) + 1e-4 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return (_table(unseen, places) @ weight.detach()).argmax(1).tolist()


def _parts(text: str) -> list[str]:
    words = pre_caption(text).split()
    return words + [" ".join(pair) for pair in pairwise(words)]


def _table(texts: Sequence[str], places: dict[str, int]) -> torch.Tensor:
    table = torch.zeros(len(texts), len(places) + 1)
    table[:, -1] = 1
    for row, text in enumerate(texts):
        for part in _parts(text):
            if part in places:
                table[row, places[part]] = 1
    return table
