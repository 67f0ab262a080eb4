"""Every shipped recipe is built and takes a step; in the slow tests it learns."""

import json
import math

import pytest
import torch

from albefkit.assemble import assemble
from albefkit.cli.main import main
from albefkit.data.sampler import Order
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.library import shipped
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from tests.recipe.plugins import NEEDS, require_plugins

FEW = ["data.train=12", "data.val=4", "data.test=4", "train.batch_size=3", "train.workers=0"]
ONLY_EXTENDED = "downstream/base"
ON_SCENES = [name for name in shipped() if name not in {*NEEDS, ONLY_EXTENDED}]


@pytest.mark.filterwarnings("ignore:.*starts from random weights")
@pytest.mark.parametrize("name", ON_SCENES)
def test_a_shipped_recipe_is_built_and_takes_a_step(name):
    recipe = load_recipe(name, sets=FEW)
    assembly = assemble(recipe)
    pretrainer = assembly.pretrainer.train()
    batch = next(train_loader(assembly, Order(42, 12, 3)).batches())
    progress = Progress(step=1, steps_per_epoch=4, epochs=1)
    report = pretrainer(batch, progress)
    report.loss.backward()
    assert torch.isfinite(report.loss)
    unused = [
        name
        for name, parameter in pretrainer.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not unused


def test_what_is_no_answer_cannot_be_tempered():
    sets = [*FEW, "objectives.mod={of: [word-patch]}", "teacher.type=momentum"]
    assembly = assemble(load_recipe("baselines/vilt", sets=sets))
    batch = next(train_loader(assembly, Order(42, 12, 3)).batches())
    with pytest.raises(ComponentError, match="the answer of 'word-patch' cannot be tempered"):
        assembly.pretrainer(batch, Progress(step=1, steps_per_epoch=4, epochs=1))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*starts from random weights")
@pytest.mark.parametrize("name", [name for name in shipped() if name != ONLY_EXTENDED])
def test_a_shipped_recipe_is_trained_briefly_and_examined(name, tmp_path):
    require_plugins(name)
    large = name == "albef_base"
    sets = [f"train.batch_size={2 if large else 16}", f"train.max_steps={2 if large else 20}"]
    data = "data.of" if name in NEEDS else "data"  # regions are of other data
    sets += [f"{data}.train=320", f"{data}.val=8", f"{data}.test=8", "train.log_every=1"]
    words = [word for each in sets for word in ("--set", each)]
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as leaving:
        main(["run", name, *words, "--out", str(run)])
    assert not leaving.value.code
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    # Above that of guessing: with a queue that fills there is ever more to guess among.
    losses = [
        sum(loss - line["floors"].get(each, 0.0) for each, loss in line["losses"].items())
        for line in lines
        if "losses" in line
    ]
    assert len(losses) == (2 if large else 20) and min(losses[1:]) < losses[0]
    summary = json.loads((run / "summary.json").read_text())
    assert summary.keys() == {"train", *load_recipe(name).settings.evaluate}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in shipped() if name.startswith("baselines/")])
def test_a_baseline_learns(name, tmp_path):
    require_plugins(name)
    run = tmp_path / "run"
    # Matching alone takes longer to begin than ITC does, most of all where captions are noisy.
    data = "data.of" if name in NEEDS else "data"
    sets = ["train.epochs=2", f"{data}.noise=0", f"{data}.test=200"]
    words = [word for each in sets for word in ("--set", each)]
    with pytest.raises(SystemExit) as leaving:
        main(["run", name, *words, "--out", str(run)])
    assert not leaving.value.code
    for path in (run / "eval").glob("*.json"):
        found = json.loads(path.read_text())
        for metric in ("text_r10", "image_r10"):
            guess = found["chance"][metric] / 100
            luck = 4 * math.sqrt(guess * (1 - guess) / 200)  # four standard deviations of guessing
            assert found["metrics"][metric] > 100 * (guess + luck), found["metrics"]
