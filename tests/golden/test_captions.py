"""Cleaning of texts against the released code's own output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albefkit.data.text import pre_caption, pre_question
from tests.golden.cases import case_dirs, case_name


@pytest.mark.parametrize("folder", case_dirs("text"), ids=case_name)
@pytest.mark.parametrize("clean", [pre_caption, pre_question], ids=lambda f: f.__name__)
def test_cleaning_equals_the_released_code(folder: Path, clean) -> None:
    rows = json.loads((folder / "data.json").read_text())[clean.__name__]
    assert rows
    for row in rows:
        assert clean(row["inp"], row["max_words"]) == row["out"], row
