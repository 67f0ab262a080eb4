"""A new distribution of every kind passes its own tests as soon as it is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from albefkit.registry.kinds import KINDS
from tests.cli.test_main import run
from tests.toy.site import install

TOP = Path(__file__).resolve().parents[2]
PYTHON = "bin/python" if os.name == "posix" else "Scripts/python.exe"


def named(kind: str) -> str:
    """Written as people may; what is imported is `albefkit_my_KIND`."""
    return f"Albefkit_my.{kind}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a distribution of every kind, each with the metadata that pip would leave."""
    folder = tmp_path_factory.mktemp("new")
    for kind in KINDS:
        name = named(kind)
        assert run("plugin", "new", name, "--kind", kind, "--out", str(folder / name)) == 0
        project = tomllib.loads((folder / name / "pyproject.toml").read_text())["project"]
        install(folder / name, name, project["version"], points=project["entry-points"])
    return folder


def execute(command: Sequence[str | Path], folder: Path, **environment: str) -> str:
    """What a command prints; it has to end well."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_tests_pass(made):
    """One process for all of them: what takes time is importing torch."""
    path = os.pathsep.join(str(made / named(kind)) for kind in KINDS)
    (made / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "."]
    lines = execute(command, made, PYTHONPATH=path).splitlines()
    for kind in KINDS:
        passed = [line for line in lines if f"{named(kind)}/" in line and " PASSED" in line]
        assert any("test_recipe.py::test_it_trains" in line for line in passed), kind
        assert any("[can-be-built]" in line for line in passed), kind
        assert len(passed) >= 8, f"{kind} is hardly tested"


def test_its_recipe_names_its_component(made):
    for kind in KINDS:
        recipe = made / named(kind) / "recipes" / f"my-{kind}.yaml"
        assert f"my-{kind}" in str(yaml.safe_load(recipe.read_text()))


def test_its_source_is_clean(made):
    ruff = pytest.importorskip("ruff").find_ruff_bin()
    common = ["--isolated", "--line-length", "100", "--target-version", "py311", "."]
    rules = ["--select", "E,F,I,UP,SIM,C4,RUF,N,PTH,RET"]
    execute([ruff, "check", *rules, *common], made)
    execute([ruff, "format", "--check", *common], made)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_installed(kind, tmp_path):
    """With pip, into an environment that has albefkit and what it needs."""
    home, name = tmp_path / "venv", f"albefkit-my-{kind}"
    assert run("plugin", "new", name, "--kind", kind, "--out", str(tmp_path / name)) == 0
    venv.create(home, with_pip=True)
    site = Path(execute([home / PYTHON, "-c", "import site; print(site.getsitepackages()[0])"],
                        tmp_path).strip())  # fmt: skip
    ours = [str(TOP), *(path for path in sys.path if path.endswith("-packages"))]
    (site / "ours.pth").write_text("\n".join(ours))
    pip = [home / PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "-e", name]
    execute(pip, tmp_path)
    assert name in execute([home / PYTHON, "-m", "albefkit", "components", kind], tmp_path)
    passed = execute([home / PYTHON, "-m", "pytest", "-q", name], tmp_path)
    assert "passed" in passed and "failed" not in passed
    shutil.rmtree(home)
