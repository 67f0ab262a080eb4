"""`albefkit data check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from albefkit.cli.data import app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, shade in (("a", 10), ("b", 200), ("twin", 10)):
        Image.new("RGB", (20, 24), (shade, 0, 0)).save(tmp_path / f"{name}.png")
    return tmp_path


def check(folder: Path, rows: Any, *options: str, name: str = "rows.json") -> Result:
    (folder / name).write_text(json.dumps(rows))
    return CliRunner().invoke(app, ["check", str(folder / name), *options])


def test_good_files_are_ok_and_counted(folder: Path) -> None:
    rows = [
        {"image": "a.png", "caption": "a red dog"},
        {"image": "b.png", "caption": ["a cat", "two cats"]},
    ]
    result = check(folder, rows)
    assert result.exit_code == 0
    assert "OK" in result.output and "2 images, 3 captions (1.5 per image)" in result.output
    assert "6 different words" in result.output


def test_errors_are_counted_and_end_with_code_3(folder: Path) -> None:
    rows = [{"image": "a.png", "caption": "a"}, {"image": "gone.png", "caption": "b"}, {"x": 1}]
    result = check(folder, rows)
    assert result.exit_code == 3
    assert "2 errors" in result.output
    assert "rows.json[2]" in result.output and "gone.png" in result.output


def test_broken_images_are_found_when_asked(folder: Path) -> None:
    (folder / "bad.png").write_text("no")
    rows = [{"image": "bad.png", "caption": "a"}]
    assert check(folder, rows).exit_code == 0
    result = check(folder, rows, "--images")
    assert result.exit_code == 3 and "not an image" in result.output


def test_duplicates_are_notes(folder: Path) -> None:
    rows = [
        {"image": "a.png", "caption": "A dog.", "image_id": 1},
        {"image": "a.png", "caption": "a dog", "image_id": 2},
        {"image": "twin.png", "caption": "a dog", "image_id": 1},
        {"image": "b.png", "caption": "...", "image_id": 3},
    ]
    result = check(folder, rows, "--images")
    assert result.exit_code == 0
    for note in (
        "caption repeated for one image",
        "caption shared by several images",
        "images that look the same",
        "image under several ids",
        "id of several images",
        "caption without words",
    ):
        assert note in result.output


def test_images_in_two_files_are_told(folder: Path) -> None:
    rows = [{"image": "a.png", "caption": "a"}]
    (folder / "val.json").write_text(json.dumps(rows))
    result = check(folder, rows, str(folder / "val.json"), name="train.json")
    assert "image in several files" in result.output and "also in train.json" in result.output


def test_another_root(folder: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    rows = [{"image": "a.png", "caption": "a"}]
    assert check(inner, rows).exit_code == 3
    assert check(inner, rows, "--root", str(folder)).exit_code == 0


def test_json_for_programs(folder: Path) -> None:
    result = check(folder, [{"image": "gone.png", "caption": "a"}], "--json")
    (report,) = json.loads(result.output)
    assert result.exit_code == 3
    assert report["entries"] == 1 and report["findings"][0]["what"] == "missing image"


@pytest.mark.parametrize("content", ["", "{}", "[", "null", '"text"'])
def test_unusable_files_are_no_traceback(folder: Path, content: str) -> None:
    (folder / "odd.json").write_text(content)
    result = CliRunner().invoke(app, ["check", str(folder / "odd.json")])
    assert result.exit_code == 3 and "unusable file" in result.output


def test_a_missing_file_is_no_traceback(folder: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(folder / "nowhere.json")])
    assert result.exit_code == 3 and "cannot be read" in result.output
