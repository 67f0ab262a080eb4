from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from albefkit.tensors import TextView


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for every test."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("ALBEFKIT_HOME", str(folder))
    return folder


class Letters:
    """A tokenizer as small as one can be: a letter is a token."""

    def encode(self, texts: Sequence[str], max_tokens: int | None = None) -> TextView:
        cut = [text[:max_tokens] for text in texts]
        longest = max(len(text) for text in cut)
        ids = torch.tensor([[ord(c) for c in text.ljust(longest, "\0")] for text in cut])
        return TextView(ids, ids > 0)


def words(view: TextView) -> list[str]:
    """The texts that `Letters` encoded."""
    return ["".join(chr(i) for i in row if i) for row in view.ids.tolist()]
