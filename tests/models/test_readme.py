"""The Python of the README runs as it stands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.test_readme import blocks


@pytest.mark.parametrize("snippet", blocks("README.md", "python"))
def test_a_snippet(snippet, pretrained, answerer, photo, capsys):
    Path("runs").mkdir()
    Path("runs/tiny").symlink_to(pretrained)
    Path("runs/vqa").symlink_to(answerer)
    for name in ("one.png", "two.png"):
        shutil.copy(photo, name)
    exec(compile(snippet, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) >= snippet.count("print(")
