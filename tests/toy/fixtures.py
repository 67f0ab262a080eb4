"""An environment in which albefkit's own components are the toys."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from albefkit.registry import installed
from albefkit.registry.kinds import KINDS, Kind, group
from tests.toy.site import install

BASES = {
    "vision": "Vision",
    "text": "Text",
    "fusion": "Fusion",
    "keys": "Keys",
    "negatives": "Negatives",
    "objective": "Objective",
    "teacher": "Teacher",
    "schedule": "Schedule",
    "optimizer": "Optimizer",
    "dataset": "Dataset",
    "evaluator": "Evaluator",
}

TOYS: Mapping[str, Mapping[str, str]] = {
    "vision": {"camera": "Camera"},
    "text": {"reader": "Reader"},
    "fusion": {"mixer": "Mixer"},
    "keys": {"in-batch": "InBatch", "queue": "Queue"},
    "negatives": {"hard": "Hard", "random": "Random"},
    "objective": {"itm": "Matching", "many": "Many"},
    "teacher": {"momentum": "Momentum"},
    "schedule": {"constant": "Constant", "ramp": "Ramp"},
    "optimizer": {"adamw": "AdamW"},
    "dataset": {"scenes": "Scenes", "captions": "Captions"},
    "evaluator": {"retrieval": "Retrieval"},
}

RECIPE = """\
model:
  vision: {type: camera, patch_size: 8}
  text: reader
alignment: {width: 32, keys: {type: queue, size: 100}}
teacher: {type: momentum, momentum: 0.99}
objectives:
  itm: {negatives: hard}
  itm-easy: {type: itm, negatives: random, weight: 0.5}
data: {type: scenes}
train: {epochs: 2}
evaluate:
  retrieval: {rerank: 4}
"""


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Only toys are installed; gives the scratch site, which is on `sys.path`."""
    for kind, base in BASES.items():
        monkeypatch.setitem(KINDS, kind, Kind(f"tests.toy.bases:{base}", KINDS[kind].meaning))
    site = tmp_path / "site"
    points = {
        group(kind): {name: f"tests.toy.components:{cls}" for name, cls in named.items()}
        for kind, named in TOYS.items()
    }
    install(site, "albefkit", "0.1.0", points=points)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(installed, "_distributions", lambda: _below(tmp_path))
    monkeypatch.delenv("ALBEFKIT_PLUGINS", raising=False)
    before = set(sys.modules)
    yield site
    # Only what lies in scratch sites: others (torch) cannot be imported twice.
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        places = (getattr(module, "__file__", None), *getattr(module, "__path__", ()))
        if any(str(place).startswith(str(tmp_path)) for place in places):
            del sys.modules[name]


_EVERYWHERE = installed._distributions


def _below(folder: Path) -> Iterator[tuple[str, Distribution]]:
    """Distributions made on the spot, and not the plugins of this environment."""
    for name, distribution in _EVERYWHERE():
        if Path(str(distribution.locate_file(""))).is_relative_to(folder):
            yield name, distribution


@pytest.fixture
def stranger(toys: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs another distribution beside the toys; see `install`."""
    number = 0

    def add(name: str, version: str = "1.0", **contents: object) -> None:
        nonlocal number
        number += 1
        site = toys.parent / f"stranger{number}"
        install(site, name, version, **contents)  # type: ignore[arg-type]
        monkeypatch.syspath_prepend(str(site))

    return add


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def recipe(toys: Path, folder: Path) -> Path:
    """A right recipe, `toy.yaml` in the working directory."""
    path = folder / "toy.yaml"
    path.write_text(RECIPE)
    return Path("toy.yaml")
