"""`albefkit plugin new`: names are checked, nothing is overwritten, all is written or nothing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from albefkit.registry.kinds import KINDS, group
from albefkit.scaffold import writing
from tests.cli.test_main import run


def new(*arguments: str) -> int:
    return run("plugin", "new", *arguments)


def test_names_follow_from_that_of_the_distribution(folder, toys, capsys):
    assert new("albefkit-Late.fusion", "--kind", "fusion") == 0
    made = folder / "albefkit-Late.fusion"
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    assert project["name"] == "albefkit-Late.fusion"
    assert project["entry-points"] == {
        group("fusion"): {"late-fusion": "albefkit_late_fusion.late_fusion:LateFusion"}
    }
    source = (made / "albefkit_late_fusion" / "late_fusion.py").read_text()
    assert "class LateFusion(Fusion):" in source and "{{" not in source
    assert (made / "recipes" / "late-fusion.yaml").is_file()
    assert f"pytest {made.name}" in capsys.readouterr().out
    assert [each.name for each in folder.iterdir()] == [made.name]


def test_names_may_be_given(folder, toys):
    said = ["--component", "swin", "--summary", "Looks in shifted windows"]
    assert new("vlp-extras", "--kind", "vision", "--out", "here/it", *said) == 0
    project = tomllib.loads((folder / "here/it/pyproject.toml").read_text())["project"]
    assert project["name"] == "vlp-extras"
    assert project["description"] == "Looks in shifted windows."
    assert project["entry-points"] == {group("vision"): {"swin": "vlp_extras.swin:Swin"}}
    assert (
        '    """Looks in shifted windows.\n' in (folder / "here/it/vlp_extras/swin.py").read_text()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_there_is_to_begin_with_says_what_it_does(kind):
    summary = writing.usual_summary(kind)
    assert summary.endswith((".", "?")) and len(summary) <= 90


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["alb efkit"], "NAME alb efkit\n    is no name of a distribution"),
        (["../up"], "NAME ../up\n    is no name of a distribution"),
        (["3d-vit", "--component", "vit"], "would be imported as '3d_vit', which Python cannot"),
        (["torch", "--component", "x"], "NAME torch\n    is installed here already, in version "),
        (["Json", "--component", "x"], "would be imported as 'json', and there is such a module"),
        (["albefkit-camera"], "there is a vision 'camera' already, of albefkit 0.1.0"),
        (["x", "--component", "Swin"], "expected lower-case words with '-' between them"),
        (["x", "--component", "none"], "is a word of Python's own"),
        (["albefkit-encoded"], "its class would be called Encoded, which its file uses for"),
        (["albefkit-x", "--summary", 'a "b"'], "--summary\n    expected a line of up to 90"),
        (["albefkit-x", "--summary", "a\nb"], "--summary\n    expected a line of up to 90"),
        (["albefkit-x", "--summary", " "], "--summary\n    expected a line of up to 90"),
    ],
)
def test_what_cannot_be_is_refused(folder, toys, capsys, arguments, said):
    assert new(*arguments, "--kind", "vision") == 2
    assert said in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_all_that_is_wrong_is_told_at_once(folder, toys, capsys):
    assert new("torch", "--kind", "vision", "--component", "camera") == 2
    told = capsys.readouterr().err
    assert "is installed here already" in told and "there is a vision 'camera' already" in told


def test_a_kind_that_there_is_not(folder, capsys):
    assert new("albefkit-swin", "--kind", "visoin") == 2
    assert "there is no kind 'visoin'. Did you mean 'vision'?" in capsys.readouterr().err


@pytest.mark.parametrize(("version", "plugins"), [("v1", ""), ("v1", "none"), ("v2", "")])
def test_what_others_declare_is_taken_whether_or_not_it_can_be_used(
    stranger, folder, capsys, monkeypatch, version, plugins
):
    monkeypatch.setenv("ALBEFKIT_PLUGINS", plugins)
    stranger("vlp-extras", "0.3.1", points={f"albefkit.{version}.vision": {"pinhole": "a:B"}})
    assert new("albefkit-pinhole", "--kind", "vision") == 2
    assert "there is a vision 'pinhole' already, of vlp-extras 0.3.1" in capsys.readouterr().err
    assert new("albefkit-pinhole", "--kind", "text") == 0
    assert new("vlp.extras", "--kind", "text") == 2
    assert "is installed here already, in version 0.3.1" in capsys.readouterr().err


def test_nothing_is_overwritten(folder, toys, capsys):
    made = folder / "albefkit-swin"
    made.mkdir()
    assert new("albefkit-swin", "--kind", "vision") == 0  # an empty folder is as good as none
    before = {file: file.read_text() for file in made.rglob("*") if file.is_file()}
    assert new("albefkit-swin", "--kind", "text") == 2
    assert "is there already, and nothing is overwritten" in capsys.readouterr().err
    assert {file: file.read_text() for file in made.rglob("*") if file.is_file()} == before


def test_the_working_directory_is_not_replaced(folder, toys, capsys):
    assert new("albefkit-swin", "--kind", "vision", "--out", ".") == 2
    assert "is the working directory" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_it_is_written_whole_or_not_at_all(folder, toys, capsys, monkeypatch):
    write = Path.write_text

    def full(file: Path, text: str, **options: str) -> int:
        if file.name == "test_recipe.py":
            raise OSError(28, "No space left on device")
        return write(file, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    assert new("albefkit-swin", "--kind", "vision") == 2
    said = capsys.readouterr().err
    assert "albefkit-swin\n    cannot be written: No space left on device" in said
    assert list(folder.iterdir()) == []
