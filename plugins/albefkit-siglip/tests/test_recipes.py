"""The plugin's recipes are built, take a step, and learn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from albefkit.cli.main import main
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe

from .conftest import RECIPES, Assemble, first_batch


@pytest.mark.parametrize("name", [file.stem for file in RECIPES.glob("*.yaml")])
def test_it_takes_a_step_in_which_every_weight_learns(name: str, assembled: Assemble):
    assembly = assembled(recipe=name)
    pretrainer = assembly.pretrainer
    report = pretrainer(first_batch(assembly), Progress(step=1, steps_per_epoch=4, epochs=1))
    report.loss.backward()
    assert report.loss.isfinite()
    assert report.losses.keys() == {"itm", "mlm", "sigmoid-contrast"}
    unused = [
        name
        for name, parameter in pretrainer.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not unused


def test_only_the_contrast_differs_from_albef_tiny():
    ours, theirs = load_recipe(str(RECIPES / "siglip.yaml")), load_recipe("albef_tiny")
    differs = {key for key in ours.resolved if ours.resolved[key] != theirs.resolved[key]}
    assert differs == {"alignment", "objectives"}
    for key in ("width", "keys"):
        assert ours.resolved["alignment"][key] == theirs.resolved["alignment"][key]
    for name in ("itm", "mlm", "mod"):
        assert ours.resolved["objectives"][name] == theirs.resolved["objectives"][name]


@pytest.mark.slow
def test_scenes_are_found_by_their_captions_after_a_moment(tmp_path: Path):
    """By the contrast alone, 100 steps of it."""
    run, recipe = tmp_path / "run", str(RECIPES / "siglip.yaml")
    sets = ["data.train=1600", "data.noise=0", "data.val=4", "data.test=200", "train.epochs=2"]
    sets += ["model.fusion=null", "evaluate.retrieval.rerank=0"]
    sets += [f"objectives.{name}=null" for name in ("itm", "mlm", "mod")]
    words = [word for each in sets for word in ("--set", each)]
    with pytest.raises(SystemExit) as leaving:
        main(["run", recipe, *words, "--out", str(run)])
    assert not leaving.value.code
    (found,) = (json.loads(file.read_text()) for file in (run / "eval").glob("*.json"))
    for metric in ("text_r10", "image_r10"):
        assert found["metrics"][metric] > 4 * found["chance"][metric], found["metrics"]
