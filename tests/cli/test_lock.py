"""`albefkit lock` and `albefkit run --locked`: the same components, or none of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albefkit.recipe.load import load_recipe
from albefkit.recipe.lock import require_locked
from tests.cli.test_main import run

POINTS = {"albefkit.v1.negatives": {"sharp": "vlp_extras.parts:Sharp"}}
MODULES = {
    "vlp_extras/__init__.py": "",
    "vlp_extras/parts.py": """
        from tests.toy.bases import Negatives
        from .helpers import sharpness

        class Sharp(Negatives):
            '''Sharper than hard.'''
    """,
    "vlp_extras/helpers.py": "sharpness = 1\n",
    "vlp_extras/another.py": "",
}
SHARP = ("--set", "objectives.itm.negatives=sharp")


def refused(capsys, *arguments: str) -> str:
    """What a refused run says; nothing was written for it."""
    before = sorted(Path().rglob("*"))
    assert run("run", "toy.yaml", *arguments) == 2
    assert sorted(Path().rglob("*")) == before
    return capsys.readouterr().err


def edit(**changes: str) -> None:
    """Let the lock tell of other negatives than there are."""
    file = Path("toy.lock.json")
    lock = json.loads(file.read_text())
    for pin in lock["components"]:
        if pin["name"] == "sharp":
            pin.update(changes)
    file.write_text(json.dumps(lock))


def test_every_component_is_pinned_beside_the_recipe(stranger, recipe, capsys):
    stranger("vlp-extras", "0.3.1", points=POINTS, modules=MODULES)
    assert run("lock", "toy.yaml", *SHARP) == 0
    said = capsys.readouterr().out
    assert said == "toy.lock.json: 12 components of albefkit 0.1.0, vlp-extras 0.3.1\n"
    lock = json.loads(Path("toy.lock.json").read_text())
    assert lock["format"] == "albefkit-lock-1" and lock["recipe"] == "toy"
    used = load_recipe(recipe, sets=[SHARP[1]])
    assert {(pin["kind"], pin["name"]) for pin in lock["components"]} == {
        (spec.kind, spec.name) for spec in used.components()
    }
    (pin,) = (pin for pin in lock["components"] if pin["name"] == "sharp")
    assert (pin["distribution"], pin["version"]) == ("vlp-extras", "0.3.1")
    assert pin["hash"].startswith("sha256:") and len(pin["hash"]) == 7 + 64
    require_locked(used, Path("toy.lock.json"))
    require_locked(load_recipe(recipe, sets=[SHARP[1]], drops=["itm-easy"]), Path("toy.lock.json"))


def test_all_that_differs_is_listed_before_anything_is_built(stranger, recipe, capsys):
    stranger("vlp-extras", "0.3.1", points=POINTS, modules=MODULES)
    assert run("lock", "toy.yaml", *SHARP) == 0
    edit(version="0.2", hash="sha256:0")
    said = refused(capsys, *SHARP, "--locked", "--set", "alignment.keys=in-batch")
    assert "there are 2 problems" in said
    assert "toy.lock.json  negatives 'sharp'\n    version: was 0.2, is 0.3.1\n" in said
    assert "    hash: was sha256:0, is sha256:" in said
    assert "    python -m pip install vlp-extras==0.2, or pin what is here now" in said
    assert "toy.lock.json  keys 'in-batch'\n    of albefkit 0.1.0 is not in the lock\n" in said
    edit(distribution="coca-kit", version="0.3.1")
    assert "distribution: was coca-kit, is vlp-extras" in refused(capsys, *SHARP, "--locked")


@pytest.mark.parametrize(
    ("file", "matters"),
    [("parts.py", True), ("helpers.py", True), ("__init__.py", True), ("another.py", False)],
)
def test_an_edit_counts_where_the_component_imports_it(stranger, recipe, capsys, file, matters):
    stranger("vlp-extras", "0.3.1", points=POINTS, modules=MODULES)
    assert run("lock", "toy.yaml", *SHARP) == 0
    (edited,) = recipe.absolute().parents[1].glob(f"stranger*/vlp_extras/{file}")
    edited.write_text(edited.read_text() + "\n# edited\n")
    if not matters:
        require_locked(load_recipe(recipe, sets=[SHARP[1]]), Path("toy.lock.json"))
        return
    said = refused(capsys, *SHARP, "--locked")
    assert "hash: was sha256:" in said and "version" not in said and "was edited: undo it" in said


def test_a_file_is_pinned_by_its_content_wherever_the_folder_lies(recipe, folder, capsys):
    mine = folder / "mine.py"
    mine.write_text("from tests.toy.bases import Negatives\nclass Mine(Negatives):\n    'Mine.'\n")
    negatives = ("--set", "objectives.itm.negatives=./mine.py:Mine")
    assert run("lock", "toy.yaml", *negatives, "--out", "other.json") == 0
    lock = json.loads(Path("other.json").read_text())
    (pin,) = (pin for pin in lock["components"] if pin["distribution"] == "file")
    assert (pin["name"], pin["version"]) == ("mine.py:Mine", "")
    require_locked(load_recipe(recipe, sets=[negatives[1]]), Path("other.json"))
    mine.write_text(mine.read_text() + "# edited\n")
    said = refused(capsys, *negatives, "--lock", "other.json")
    assert "negatives 'mine.py:Mine'\n    hash: was sha256:" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "there is no such lock\n    write one: albefkit lock RECIPE"),
        ("{", "is not a lock that albefkit wrote: JSONDecodeError"),
        ("[]", "is not a lock that albefkit wrote: TypeError"),
        ('{"format": "other"}', "its format is not albefkit-lock-1"),
        ('{"format": "albefkit-lock-1", "components": [{}]}', "KeyError: 'kind'"),
    ],
)
def test_without_a_lock_nothing_is_run(recipe, capsys, text, expected):
    if text is not None:
        Path("toy.lock.json").write_text(text)
    assert expected in refused(capsys, "--locked")


def test_only_a_lock_is_replaced_by_a_lock(recipe, capsys):
    Path("notes.json").write_text("{}")
    assert run("lock", "toy.yaml", "--out", "notes.json") == 2
    assert Path("notes.json").read_text() == "{}"
    assert "is not a lock" in capsys.readouterr().err
    assert run("lock", "toy.yaml", "--out", "no/such/folder.json") == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
    assert run("lock", "toy.yaml") == run("lock", "toy.yaml") == 0
