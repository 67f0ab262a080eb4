"""The plugin's recipe is built, takes a step, and learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from albefkit.assemble import assemble
from albefkit.cli.main import main
from albefkit.data.sampler import Order
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe

from albefkit_transformers.tower import TransformersTower

RECIPE = Path(__file__).parent.parent / "recipes" / "dinov3.yaml"
FEW = ["data.train=12", "data.val=4", "data.test=4", "train.batch_size=3"]


def test_it_takes_a_step_in_which_every_weight_learns():
    assembly = assemble(load_recipe(str(RECIPE), sets=FEW))
    assert isinstance(assembly.pretrainer.student.vision, TransformersTower)
    batch = next(train_loader(assembly, Order(42, 12, 3)).batches())
    progress = Progress(step=1, steps_per_epoch=4, epochs=1)
    pretrainer = assembly.pretrainer.train()
    pretrainer.begin_step(progress)
    report = pretrainer(batch, progress)
    report.loss.backward()
    assert report.loss.isfinite()
    unused = [
        name
        for name, parameter in pretrainer.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not unused


def test_only_the_tower_differs_from_albef_tiny():
    ours, theirs = load_recipe(str(RECIPE)).resolved, load_recipe("albef_tiny").resolved
    assert {key for key in ours if ours[key] != theirs[key]} == {"model"}
    assert ours["model"] | {"vision": theirs["model"]["vision"]} == theirs["model"]


@pytest.mark.slow
def test_scenes_are_found_by_their_captions_after_a_moment(tmp_path: Path):
    """By the contrast alone, 100 steps of it."""
    run = tmp_path / "run"
    sets = ["data.train=1600", "data.noise=0", "data.val=4", "data.test=200", "train.epochs=2"]
    sets += ["model.fusion=null", "evaluate.retrieval.rerank=0"]
    sets += [f"objectives.{name}=null" for name in ("itm", "mlm", "mod")]
    words = [word for each in sets for word in ("--set", each)]
    with pytest.raises(SystemExit) as leaving:
        main(["run", str(RECIPE), *words, "--out", str(run)])
    assert not leaving.value.code
    (found,) = (json.loads(file.read_text()) for file in (run / "eval").glob("*.json"))
    for metric in ("text_r10", "image_r10"):
        assert found["metrics"][metric] > 4 * found["chance"][metric], found["metrics"]
