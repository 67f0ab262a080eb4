"""Detectors: what they find, how they learn, how they are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from albefkit.data.scenes.words import COLOURS, SHAPES
from albefkit.data.scenes.world import make_world
from albefkit.registry.errors import ComponentError, DataError
from torchvision.models.detection import fasterrcnn_resnet50_fpn
from torchvision.ops import box_iou

from albefkit_detector import coco_detector, scenes_detector, training
from albefkit_detector.regions import Detector, Keep
from albefkit_detector.scenes_detector import CLASSES, WIDTH, ThingPredictor


def pictures(count: int) -> list[np.ndarray]:
    return training.lesson(make_world(7, "test", count), 0, count)[0]


def test_what_is_found_is_in_the_picture_apart_and_surest_first(detector):
    for found in detector.look(pictures(6)):
        n = len(found.boxes)
        assert detector.keep.least <= n <= detector.keep.most
        assert found.features.shape == (n, WIDTH) and found.classes.shape == (n, len(CLASSES))
        assert ((found.boxes >= 0) & (found.boxes <= 1)).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
        torch.testing.assert_close(found.classes.sum(1), torch.ones(n))
        overlaps = box_iou(found.boxes, found.boxes) - torch.eye(n)
        assert (overlaps <= detector.keep.overlap + 1e-5).all()


def test_a_picture_looks_the_same_alone_and_among_others(detector):
    with torch.no_grad():  # random weights hardly tell regions apart: let them disagree
        detector.network.roi_heads.box_predictor.nothing.weight.mul_(100)
        detector.network.rpn.head.cls_logits.weight.mul_(1000)
    together = detector.look(pictures(4))
    for picture, found in zip(pictures(4), together, strict=True):
        (alone,) = detector.look([picture])
        torch.testing.assert_close(alone.features, found.features, rtol=1e-2, atol=1e-2)
        torch.testing.assert_close(alone.boxes, found.boxes, rtol=1e-2, atol=1e-2)


def test_unsure_regions_are_kept_up_to_the_least_and_sure_ones_up_to_the_most(detector):
    def kept(**keep) -> list[int]:
        choosy = Detector(detector.network, "x", CLASSES, WIDTH, Keep(**keep))
        return [len(found.boxes) for found in choosy.look(pictures(3))]

    assert kept(most=8, least=3, score=1.1) == [3, 3, 3]
    assert kept(most=5, least=1, score=0.0) == [5, 5, 5]


def test_photographs_of_any_size_go_through_torchvisions_detector():
    network = fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, min_size=64, max_size=96
    ).eval()
    detector = Detector(network, "x", (), coco_detector.WIDTH, Keep(most=12, least=10, score=0.2))
    rng = np.random.default_rng(0)
    wide, high = (rng.integers(0, 256, size, np.uint8) for size in ((50, 90, 3), (80, 60, 3)))
    for found in detector.look([wide, high]):
        n = len(found.boxes)
        assert 0 < n <= 12 and found.features.shape == (n, coco_detector.WIDTH)
        assert found.classes.shape == (n, 90) and found.boxes.max() <= 1


def test_a_class_is_a_colour_of_a_shape():
    torch.manual_seed(0)
    predictor = ThingPredictor(16)
    features = torch.randn(5, 16)
    logits, offsets = predictor(features)
    torch.testing.assert_close(logits.exp().sum(1), torch.ones(5))
    things = logits[:, 1:].softmax(1).unflatten(1, (len(SHAPES), len(COLOURS)))
    shape, colour = things.sum(2), things.sum(1)
    torch.testing.assert_close(things, shape[:, :, None] * colour[:, None, :])
    torch.testing.assert_close(shape, predictor.shape(features).softmax(1))
    boxes = offsets.unflatten(1, (-1, 4))
    assert boxes.shape[1] == 1 + len(CLASSES) and (boxes == boxes[:, :1]).all()


def test_training_is_a_function_of_its_seed_and_touches_no_other_chance():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    with torch.no_grad():  # regions may first be asked for where nothing is learnt
        first = training.train(2, seed=1).state_dict()
    assert torch.equal(torch.rand(4), expected)
    again, other = training.train(2, seed=1).state_dict(), training.train(2, seed=2).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    name = "roi_heads.box_predictor.shape.weight"
    assert not torch.equal(first[name], other[name])


def test_targets_are_where_things_are_drawn():
    world = make_world(7, "test", 20)
    drawn, targets = training.lesson(world, 3, 5)
    assert len(drawn) == len(targets) == 2 and drawn[0].shape == (64, 64, 3)
    for index, target in enumerate(targets, 3):
        objects = world.objects(index)
        names = [CLASSES[label - 1] for label in target["labels"].tolist()]
        assert names == [f"{one.colour} {one.shape}" for one in objects]
        torch.testing.assert_close(target["boxes"], 64 * torch.tensor([one.box for one in objects]))


def test_a_detector_is_kept_whole(detector, tmp_path):
    file = tmp_path / "d.safetensors"
    scenes_detector.save(detector.network, file, name="mine")
    loaded = scenes_detector.load(file)
    assert loaded.name == "mine" and list(tmp_path.glob(".*")) == []
    (before,), (after,) = detector.look(pictures(1)), loaded.look(pictures(1))
    assert torch.equal(before.features, after.features)


def test_what_is_no_detector_is_refused(detector, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        scenes_detector.load(tmp_path / "nowhere.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no such thing")
    with pytest.raises(DataError, match="cannot be read"):
        scenes_detector.load(broken)
    scenes_detector.save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(DataError, match="not of a detector"):
        scenes_detector.load(tmp_path / "other.safetensors")


def test_weights_of_photographs_that_cannot_be_had_are_an_error_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(coco_detector, "unreachable", lambda url: "there is no network")
    with pytest.raises(ComponentError, match="not in the cache, and there is no network") as caught:
        coco_detector.load()
    assert str(tmp_path) in str(caught.value) and coco_detector.WEIGHTS.url in str(caught.value)


@pytest.mark.slow
def test_the_small_detector_finds_and_names_what_there_is(learnt):
    skill = training.examine(scenes_detector.as_detector(learnt, "full"))
    assert skill.recall > 98 and skill.shape > 96 and skill.colour > 98
    assert abs(skill.regions - skill.objects) < 0.1


def test_an_untrained_detector_finds_little(detector):
    assert training.examine(detector, scenes=32).recall < 60


def test_the_names_of_detectors_tell_them_apart():
    names = {training.name_of(), training.name_of(10), training.name_of(10, 1), coco_detector.NAME}
    assert len(names) == 4 and all(Path(name).name == name for name in names)
