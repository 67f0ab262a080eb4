"""Somebody else's distribution: found, listed, used; broken, it hurts nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import RecipeError
from tests.toy.site import install

POINTS = {
    "albefkit.v1.vision": {"pinhole": "vlp_extras.vision:Pinhole"},
    "albefkit.v1.objective": {"siglip": "vlp_extras.objectives:SigLip"},
}
MODULES = {
    "vlp_extras/__init__.py": "",
    "vlp_extras/vision.py": '''
        from tests.toy.bases import Vision


        class Pinhole(Vision):
            """A box with a hole.

            Args:
                hole: its width.
            """

            def __init__(self, *, hole: float = 0.1) -> None:
                self.hole = hole
    ''',
    "vlp_extras/objectives.py": '''
        from albefkit.registry import default
        from tests.toy.bases import Negatives, Objective


        class SigLip(Objective):
            """Every pair by itself."""

            def __init__(self, name: str, *, bias: float = -10.0,
                         negatives: Negatives = default("random")) -> None:
                self.name, self.bias, self.negatives = name, bias, negatives
    ''',
}


def test_found_and_used_by_a_recipe(stranger, recipe):
    stranger("vlp-extras", "0.3.1", points=POINTS, modules=MODULES)
    loaded = load_recipe(
        recipe, sets=["model.vision={type: pinhole, hole: 0.2}", "objectives.siglip={bias: -5}"]
    )
    vision = loaded.settings.model.vision
    assert vision.entry.provider == "vlp-extras 0.3.1" and vision.build({}).hole == 0.2
    siglip = loaded.settings.objectives["siglip"].component.build({"name": "siglip"})
    assert (siglip.name, siglip.bias, type(siglip.negatives).__name__) == ("siglip", -5.0, "Random")


def test_full_names_survive_being_resolved(stranger, recipe):
    stranger("vlp-extras", points={"albefkit.v1.vision": {"camera": "vlp_extras.vision:Pinhole"}},
             modules=MODULES)  # fmt: skip
    assert load_recipe(recipe).settings.model.vision.entry.built_in
    loaded = load_recipe(recipe, sets=["model.vision=vlp-extras/camera"])
    assert loaded.resolved["model"]["vision"] == {"type": "vlp-extras/camera", "hole": 0.1}


@pytest.mark.parametrize(
    ("edit", "path"),
    [("objectives.siglip={}", ""), ("objectives.mine={type: siglip}", "  objectives.mine.type")],
)
def test_a_recipe_is_told_why_it_cannot_have_a_component(stranger, recipe, monkeypatch, edit, path):
    points = {"albefkit.v2.objective": POINTS["albefkit.v1.objective"]}
    stranger("vlp-extras", "0.3.1", points=points, modules=MODULES)
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe, sets=[edit])
    assert str(caught.value) == (
        f"command line  --set {edit}{path}\n"
        "    objective 'siglip' of vlp-extras 0.3.1 is written for contract v2, this albefkit "
        "speaks v1\n"
        "    upgrade albefkit to one that speaks v2, or install an older vlp-extras"
    )
    stranger("vlp-later", "2.0", points=POINTS, modules=MODULES)
    monkeypatch.setenv("ALBEFKIT_PLUGINS", "none")
    with pytest.raises(
        RecipeError, match=r"of vlp-later 2\.0 is left out by ALBEFKIT_PLUGINS=none"
    ):
        load_recipe(recipe, sets=[edit])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A real process with the real albefkit and a stranger whose import ends everything."""
    bomb = {"vlp_extras/__init__.py": "raise SystemExit('imported')"}
    install(tmp_path, "vlp-extras", "0.3.1", points=POINTS, modules={**MODULES, **bomb})
    return {**os.environ, "PYTHONPATH": str(tmp_path), "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}


def albefkit(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "albefkit", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_listed_by_a_real_process_without_being_imported(environment):
    done = albefkit(environment, "components")
    assert done.returncode == 0, done.stderr
    rows = [line.split(maxsplit=4) for line in done.stdout.splitlines()]
    assert ["vision", "pinhole", "vlp-extras", "0.3.1", "A box with a hole."] in rows
    assert ["objective", "siglip", "vlp-extras", "0.3.1", "Every pair by itself."] in rows
    one = albefkit(environment, "components", "objective", "siglip")
    assert "bias" in one.stdout and "-10.0" in one.stdout
    alone = albefkit({**environment, "ALBEFKIT_PLUGINS": "none"}, "components")
    assert "vlp-extras" not in alone.stdout


def test_broken_it_is_reported_at_its_place_and_nothing_else_breaks(environment):
    wrong = albefkit(environment, "check", "albef_tiny", "--set", "objectives.siglip={}")
    assert wrong.returncode == 2
    assert wrong.stderr == (
        "albefkit: there is a problem\n"
        "command line  --set objectives.siglip={}\n"
        "    objective 'siglip' of vlp-extras 0.3.1 cannot be loaded\n"
        "    SystemExit: imported\n"
        "    --debug shows where; ALBEFKIT_PLUGINS=none leaves out what others installed\n"
    )
    right = albefkit(environment, "check", "albef_tiny")
    assert right.returncode == 0, right.stderr
