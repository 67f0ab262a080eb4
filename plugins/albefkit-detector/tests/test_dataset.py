"""Another dataset with regions: the same in all else."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from albefkit.assemble import assemble
from albefkit.cli.main import main
from albefkit.data.sampler import Order
from albefkit.data.scenes.dataset import Scenes
from albefkit.data.scenes.statements import SceneStatements
from albefkit.feeding import train_loader
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import AlbefkitWarning, ComponentError, DataError

from albefkit_detector import caching, coco_detector, training
from albefkit_detector.dataset import Regions
from albefkit_detector.extraction import extract

RNG = np.random.default_rng(0)
FIELDS = {"regions", "region_boxes", "region_mask", "region_classes"}
FEW = ["data.of.train=12", "data.of.val=4", "data.of.test=4", "train.batch_size=4"]


def scenes(**options) -> Scenes:
    return Scenes(size=64, **({"train": 6, "val": 3, "test": 3} | options))


def test_items_and_galleries_get_regions_and_stay_what_they_were(trained):
    plain, rich = scenes().split("val"), Regions(of=scenes()).split("val")
    gallery = rich.gallery()
    assert len(rich) == len(plain) == gallery.size
    for index in range(3):
        was, item = plain.item(index, RNG), rich.item(index, RNG)
        assert (item.image == was.image).all() and item.text == was.text
        assert item.fields.keys() == was.fields.keys() | FIELDS
        shown = gallery.fields(index)
        assert all((shown[name] == item.fields[name]).all() for name in FIELDS)
    assert list(rich.captions()) == list(plain.captions())
    assert rich.lexicon == plain.lexicon != ""
    assert rich.clean("A, b", 1) == plain.clean("A, b", 1)
    assert rich.holds(0, plain.item(0, RNG).text) == plain.holds(0, plain.item(0, RNG).text)


def test_what_the_dataset_says_of_itself_is_passed_on():
    dataset = Regions(of=scenes())
    assert dataset.splits == scenes().splits and dataset.crop_scale == scenes().crop_scale
    assert dataset.classes == () and dataset.images_per_text == 1


def test_a_text_about_several_images_is_refused():
    with pytest.raises(ComponentError, match="speaks of 2 images"):
        Regions(of=SceneStatements())


def test_the_cache_is_filled_once(trained, home):
    for _ in range(2):
        for name in ("train", "val"):
            Regions(of=scenes()).split(name).prepare()
    assert trained == ["trained"]
    found = sorted(path.name for path in (home / "detector" / training.name_of()).iterdir())
    assert len([name for name in found if name.endswith(".safetensors")]) == 2
    Regions(of=scenes(seed=1)).split("val").prepare()
    assert trained == ["trained"]  # one detector for all scenes


def test_people_are_told_how_long_a_longer_work_takes(trained, monkeypatch):
    monkeypatch.setattr(caching, "PATIENCE", 0.0)
    with pytest.warns(AlbefkitWarning, match="pictures of 'train', this once: about") as heard:
        Regions(of=scenes(train=40)).split("train").prepare()
    assert len(heard) == 1


def test_a_cache_that_cannot_be_written_is_an_error_in_words(trained, home):
    (home / "detector").parent.mkdir(parents=True, exist_ok=True)
    (home / "detector").write_text("in the way")
    with pytest.raises(DataError, match="ALBEFKIT_HOME"):
        Regions(of=scenes()).split("val").prepare()


def test_regions_in_a_folder_are_taken_from_there(detector, tmp_path):
    extract(scenes().split("val"), detector, tmp_path / "r" / "val.safetensors", silent, "")
    dataset = Regions(of=scenes(), cache=str(tmp_path / "r"))
    assert dataset.split("val").item(0, RNG).fields["regions"].shape == (8, 128)
    with pytest.raises(DataError, match="no regions of the split 'train'") as caught:
        dataset.split("train")
    assert f"albefkit-detector extract RECIPE --out {tmp_path / 'r'}" in str(caught.value)
    with pytest.raises(DataError, match="of other data"):
        Regions(of=scenes(seed=5), cache=str(tmp_path / "r")).split("val")


def test_fingerprints_tell_data_and_detectors_apart(detector, tmp_path):
    extract(scenes().split("val"), detector, tmp_path / "val.safetensors", silent, "")
    found = [
        scenes().split("val").fingerprint,
        Regions(of=scenes()).split("val").fingerprint,
        Regions(of=scenes(seed=1)).split("val").fingerprint,
        Regions(of=scenes(), cache=str(tmp_path)).split("val").fingerprint,
    ]
    assert len(set(found)) == 4
    assert Regions(of=scenes()).split("val").fingerprint == found[1]


def test_photographs_get_the_detector_of_photographs():
    from albefkit.data.captions import Captions

    assert caching.suitable(Captions()) == coco_detector.NAME
    assert caching.suitable(scenes()) == training.name_of()


def test_batches_carry_regions_whoever_makes_them(trained):
    assembly = assemble(load_recipe("baselines/detector", sets=FEW))
    alone, helped = (
        next(train_loader(assembly, Order(1, 12, 4), workers).batches(2, 3)) for workers in (0, 2)
    )
    assert alone.fields["regions"].shape == (4, 8, 128)
    assert alone.fields["region_mask"].dtype == torch.bool
    for name in FIELDS:
        assert torch.equal(alone.fields[name], helped.fields[name])


def test_a_split_travels(trained):
    split = Regions(of=scenes()).split("val")
    split.prepare()
    there = pickle.loads(pickle.dumps(split))
    assert (there.item(1, RNG).fields["regions"] == split.item(1, RNG).fields["regions"]).all()


def silent(what: str, done: int, total: int) -> None: ...


def test_the_recipe_runs_from_nothing_and_is_examined_again(trained, tmp_path):
    sets = [
        word for each in (*FEW, "train.max_steps=2", "train.workers=0") for word in ("--set", each)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlbefkitWarning)
        for words in (["run", "baselines/detector", "--out", "run", *sets], ["evaluate", "run"]):
            try:
                main(words)
            except SystemExit as leaving:
                assert not leaving.code
    assert (Path("run") / "summary.json").is_file()
    assert list(Path("run/evaluations").glob("*/*"))
