"""Ids of texts against the released code's tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from albefkit.tensors import TextView
from albefkit.text import wordpiece
from albefkit.text.tokenizer import Tokenizer
from tests.golden.cases import case_dirs, case_name

cases = pytest.mark.parametrize("folder", case_dirs("text"), ids=case_name)


def recorded(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "data.json").read_text(encoding="utf-8"))["tokenizer"]


def read_tokenizer(folder: Path, tmp_path: Path) -> Tokenizer:
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join(recorded(folder)["vocab"]), encoding="utf-8")
    return wordpiece.from_vocabulary(file)


@cases
def test_special_ids_are_those_of_the_vocabulary(folder: Path, tmp_path: Path) -> None:
    tokenizer = read_tokenizer(folder, tmp_path)
    vocabulary = recorded(folder)["vocab"]
    assert tokenizer.vocabulary_size == len(vocabulary)
    for entry, number in {
        "[PAD]": tokenizer.pad_id,
        "[UNK]": tokenizer.unk_id,
        "[CLS]": tokenizer.cls_id,
        "[SEP]": tokenizer.sep_id,
        "[MASK]": tokenizer.mask_id,
    }.items():
        assert vocabulary[number] == entry
    assert vocabulary[tokenizer.first_word_id - 1] == "[MASK]"


@cases
def test_ids_and_masks_equal_the_released_code(folder: Path, tmp_path: Path) -> None:
    tokenizer = read_tokenizer(folder, tmp_path)
    calls = [call for call in recorded(folder).values() if "input_ids" in call]
    assert calls
    for call in calls:
        kwargs = call["kwargs"]
        limit = kwargs["max_length"] if kwargs.get("truncation") else None
        view = tokenizer.encode(call["texts"], max_tokens=limit)
        expected = TextView(
            torch.tensor(call["input_ids"]), torch.tensor(call["attention_mask"]).bool()
        )
        if kwargs["padding"] == "max_length":
            longest = int(expected.mask.sum(dim=1).max())
            assert not expected.mask[:, longest:].any()
            expected = TextView(expected.ids[:, :longest], expected.mask[:, :longest])
        assert torch.equal(view.ids, expected.ids)
        assert torch.equal(view.mask, expected.mask)


@cases
def test_words_equal_the_released_code(folder: Path, tmp_path: Path) -> None:
    tokenizer = read_tokenizer(folder, tmp_path)
    rows = recorded(folder)["tokens"]
    assert rows
    for row in rows:
        ids = tokenizer.encode([row["text"]]).ids[0]
        assert tokenizer.words(ids) == ["[CLS]", *row["tokens"]]
