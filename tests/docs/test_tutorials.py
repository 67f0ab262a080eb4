"""Every tutorial runs as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from albefkit.docs.tutorials import Block, blocks, tutorial_files

BIN = Path(sys.executable).parent
TUTORIALS = tutorial_files()


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    home = {"ALBEFKIT_HOME": str(tmp_path / "home"), "ALBEFKIT_PLUGINS": "none"}
    return os.environ | home | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def run(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """One block, as a reader would: write the file that it names, or type it."""
    commands = {
        "sh": ["bash", "-euo", "pipefail", "-c", block.text],
        "python": [sys.executable, "-c", block.text],
    }
    if block.title:
        (folder / block.title).write_text(block.text, encoding="utf-8")
    elif block.language in commands:
        done = subprocess.run(
            commands[block.language],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}"


def test_there_are_tutorials_and_every_block_is_of_a_known_kind():
    assert len(TUTORIALS) >= 5
    for file in TUTORIALS:
        text = file.read_text(encoding="utf-8")
        found = blocks(text)
        assert len(found) * 2 == text.count("```"), f"{file.name}: a fence that is not understood"
        assert {block.language for block in found} <= {"sh", "python", "yaml", "console"}
        assert all(block.title for block in found if block.language == "yaml")
        assert any(block.language == "sh" for block in found)


@pytest.mark.slow
@pytest.mark.parametrize("file", TUTORIALS, ids=lambda file: file.stem.partition("_")[2])
def test_a_tutorial_runs_as_it_stands(file, tmp_path, environment):
    folder = tmp_path / "work"
    folder.mkdir()
    for block in blocks(file.read_text(encoding="utf-8")):
        run(block, folder, environment)
