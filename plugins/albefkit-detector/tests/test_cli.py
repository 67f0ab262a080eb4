"""The command line, and what it times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from albefkit.vision.timm_model import TimmModel
from torch import nn

from albefkit_detector import timing
from albefkit_detector.cli import main
from albefkit_detector.region_file import RegionFile

FEW = ("data.of.train=6", "data.of.val=3", "data.of.test=3")
SETS = [word for each in FEW for word in ("--set", each)]
RECIPE = "baselines/detector"


def run(*arguments: object) -> int:
    try:
        main([str(each) for each in arguments])
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def test_a_detector_is_trained_and_its_skill_is_told(capsys):
    assert run("train-detector", "--steps", 2, "--out", "d.safetensors") == 0
    assert "objects in a held-out scene it finds" in capsys.readouterr().out
    assert run("extract", RECIPE, "--out", "r", "--detector", "d.safetensors", *SETS) == 0
    assert RegionFile(Path("r/val.safetensors")).about["detector"].endswith("-2-0")
    assert run("train-detector", "--steps", 2, "--out", "d.safetensors") == 2
    assert "is there already" in capsys.readouterr().err


def test_regions_are_extracted_for_a_recipe_that_names_the_folder(trained, capsys):
    assert run("extract", RECIPE, "--out", "r", *SETS) == 0
    out = capsys.readouterr().out
    assert "r/train.safetensors: 6 items\nr/val.safetensors: 3 items" in out
    dataset = load_recipe(RECIPE, sets=[*FEW, "data.cache=r"]).settings.data.build({})
    item = dataset.split("test").item(2, np.random.default_rng(0))
    assert item.fields["region_mask"].any()
    assert trained == ["trained"]


def test_extraction_goes_on_where_it_stopped_and_overwrites_nothing(trained, capsys):
    assert run("extract", RECIPE, "--out", "r", *SETS) == 0
    Path("r/test.safetensors").unlink()
    before = Path("r/train.safetensors").stat().st_mtime_ns
    capsys.readouterr()
    assert run("extract", RECIPE, "--out", "r", *SETS) == 0
    out = capsys.readouterr().out
    assert "r/train.safetensors: there already" in out and "r/test.safetensors: 3 items" in out
    assert Path("r/train.safetensors").stat().st_mtime_ns == before
    assert run("extract", RECIPE, "--out", "r", *SETS, "--set", "data.of.seed=1") == 3
    assert "holds the regions of other data" in capsys.readouterr().err


def test_the_data_of_any_recipe_can_be_looked_at(trained):
    sets = [word for each in FEW for word in ("--set", each.replace(".of", ""))]
    assert run("extract", "albef_tiny", "--out", "r", *sets) == 0
    assert RegionFile(Path("r/train.safetensors")).of_item(5)["regions"].shape == (8, 128)


def test_mistakes_are_told_without_a_traceback(capsys):
    assert run("extract", "albef_tniy", "--out", "r") == 2
    assert "Did you mean 'albef_tiny'?" in capsys.readouterr().err
    assert run("extract", RECIPE, "--out", "r", "--detector", "none.safetensors", *SETS) == 3
    assert "this detector cannot be read" in capsys.readouterr().err
    assert run("time") == 2


def test_times_of_recipes_stand_in_a_table(trained, capsys):
    assert run("time", "albef_tiny", RECIPE, "--pictures", 2) == 0
    out = capsys.readouterr().out
    assert "albef_tiny" in out and "detector" in out and "64 x 64" in out


def test_the_time_is_the_median_of_warm_pictures(monkeypatch):
    clock = iter([0, 90, 0, 80, 0, 70, 0, 1, 0, 5, 0, 2])  # three to warm up, then three
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock) / 1000)
    shown: list[int] = []
    pictures = [np.full((2, 2, 3), value, np.uint8) for value in (1, 2, 3)]
    end = timing.FrontEnd(
        "x", pictures, (nn.Linear(2, 3),), lambda p: shown.append(int(p[0, 0, 0]))
    )
    assert end.milliseconds() == pytest.approx(2)
    assert shown == [1, 1, 1, 1, 2, 3] and end.weights == 9


def test_a_front_end_is_all_that_stands_before_fusion(trained):
    def silent(what: str, done: int, total: int) -> None: ...

    vit = timing.of_recipe(load_recipe("albef_tiny"), 2, silent)
    assert isinstance(vit.parts[0], TimmModel) and vit.pictures[0].shape == (64, 64, 3)
    regions = timing.of_recipe(load_recipe(RECIPE, sets=FEW), 2, silent)
    encoded = regions.look(regions.pictures[0])
    assert len(regions.parts) == 2 and encoded.tokens.shape[2] == 128  # type: ignore[attr-defined]
    with pytest.raises(ComponentError, match="nobody here knows where these come from"):
        timing.of_recipe(load_recipe(RECIPE, sets=["data={type: scenes}"]), 2, silent)


def test_time_is_measured_without_gradients():
    seen: list[bool] = []
    picture = [np.zeros((2, 2, 3), np.uint8)]
    timing.FrontEnd("x", picture, (), lambda p: seen.append(torch.is_grad_enabled())).milliseconds()
    assert seen and not any(seen)
