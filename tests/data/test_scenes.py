"""The world of scenes: seeded, truthful, drawn where it says, noisy at the asked rate."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from albefkit.data.scenes.dataset import Scenes
from albefkit.data.scenes.drawing import draw
from albefkit.data.scenes.words import COLOURS, PAINT, SHAPES, SIZES
from albefkit.data.scenes.world import GENERATOR_VERSION
from albefkit.data.text import pre_caption
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from tests.data.reading import holds

RNG = np.random.default_rng(0)


def test_captions_are_true_of_their_scenes() -> None:
    for seed in range(2):
        split = Scenes(train=2000, objects=(1, 6), seed=seed).split("train")
        world = split.world
        for index, caption in enumerate(split.clean_captions):
            assert holds(caption, world.objects(index), world.background(index)), caption


def test_held_out_captions_tell_scenes_apart() -> None:
    for name in ("val", "test"):
        split = Scenes().split(name)
        world, captions = split.world, split.gallery().texts
        scenes = [(world.objects(i), world.background(i)) for i in range(len(split))]
        fits = [sum(holds(caption, *scene) for scene in scenes) for caption in captions]
        assert len(set(captions)) >= 0.99 * len(captions)
        assert np.mean(np.array(fits) > 1) < 0.1


def test_words_are_few_and_captions_short() -> None:
    captions = Scenes(train=4000, noise=0.0).split("train").captions()
    vocabulary = {word for caption in captions for word in pre_caption(caption).split()}
    assert 60 <= len(vocabulary) <= 100
    assert max(len(caption.split()) for caption in captions) <= 24


def test_everything_there_is_turns_up() -> None:
    world = Scenes(train=2000).split("train").world
    objects = [one for index in range(2000) for one in world.objects(index)]
    assert {one.shape for one in objects} == set(SHAPES)
    assert {one.colour for one in objects} == set(COLOURS)
    assert {one.size for one in objects} == set(SIZES)
    assert {len(world.objects(index)) for index in range(2000)} == {1, 2, 3, 4}


def test_a_shorter_world_is_the_beginning_of_a_longer_one() -> None:
    short, long = (Scenes(size=16, train=n).split("train") for n in (5, 50))
    assert short.clean_captions == long.clean_captions[:5]
    for index in range(5):
        assert short.world.objects(index) == long.world.objects(index)
        np.testing.assert_array_equal(short.item(index, RNG).image, long.item(index, RNG).image)


def test_seeds_and_splits_are_different_worlds() -> None:
    worlds = [Scenes(seed=s).split(n).world.x[0] for s in (0, 1) for n in ("train", "val", "test")]
    assert len({x.tobytes() for x in worlds}) == 6


def test_boxes_are_where_objects_are_drawn() -> None:
    world = Scenes(train=24).split("train").world
    drawn = draw(world, 0, 24, 128).astype(int)
    for slot in range(4):
        present = world.present.copy()
        present[:, slot] = False
        changed = (draw(replace(world, present=present), 0, 24, 128) != drawn).any(axis=-1)
        for index in np.flatnonzero(world.present[:, slot]):
            box = world.objects(index)[world.present[index, :slot].sum()].box
            ys, xs = np.nonzero(changed[index])
            found = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            np.testing.assert_allclose(found, np.array(box) * 128, atol=1.6)


def test_objects_have_the_colour_they_are_said_to_have() -> None:
    world = Scenes(train=60).split("train").world
    for index, picture in enumerate(draw(world, 0, 60, 64)):
        for one in world.objects(index):
            if one.shape not in ("ring", "triangle"):  # their middle is empty, or not the centre
                seen = picture[int(64 * one.y), int(64 * one.x)].astype(int)
                distance = {name: np.abs(seen - rgb).sum() for name, rgb in PAINT.items()}
                assert min(distance, key=distance.__getitem__) == one.colour


def test_objects_never_touch() -> None:
    world = Scenes(train=500, objects=(2, 6)).split("train").world
    for index in range(500):
        objects = world.objects(index)
        for i, a in enumerate(objects):
            for b in objects[:i]:
                clear = a.box[0] > b.box[2] or b.box[0] > a.box[2]
                clear |= a.box[1] > b.box[3] or b.box[1] > a.box[3]
                distance = np.hypot(a.x - b.x, a.y - b.y)
                assert clear or distance > (a.box[2] - a.box[0] + b.box[2] - b.box[0]) / 2 - 0.12


def test_noise_is_in_training_only_and_at_the_asked_rate() -> None:
    scenes = Scenes(train=4000, noise=0.4)
    split = scenes.split("train")
    items = [split.item(index, RNG) for index in range(200)]
    for item in items:
        same = item.text == item.fields["clean_text"]
        assert same or item.fields["noisy"]
        assert item.fields["noisy"] == (item.fields["noise"] != "clean")
    spoilt = [a != b for a, b in zip(split.captions(), split.clean_captions, strict=True)]
    assert 0.37 < np.mean(spoilt) < 0.43
    assert scenes.split("val").captions() == scenes.split("val").clean_captions


def test_every_kind_of_noise_turns_up() -> None:
    split = Scenes(size=16, train=300, noise=1.0).split("train")
    kinds = [split.item(index, RNG).fields["noise"] for index in range(300)]
    assert {kind: kinds.count(kind) > 40 for kind in kinds} == {
        "swapped": True,
        "debris": True,
        "dropped": True,
    }
    others = set(split.clean_captions)
    for index, kind in enumerate(kinds):
        text, clean = split.captions()[index], split.clean_captions[index]
        assert text
        if kind == "swapped":
            assert text in others
        if kind == "dropped":
            left = iter(clean.split())
            assert all(word in left for word in text.split())  # some words are gone, none moved


def test_more_noise_keeps_the_noise_there_was() -> None:
    low, high = (Scenes(train=500, noise=rate).split("train").captions() for rate in (0.2, 0.5))
    clean = Scenes(train=500).split("train").clean_captions
    assert all(b == a for a, b, c in zip(low, high, clean, strict=True) if a != c)


def test_noise_levels_share_their_pictures(home: Path) -> None:
    for noise in (0.0, 0.5):
        Scenes(size=16, train=30, noise=noise).split("train").prepare()
    assert len(list(home.rglob("*.npy"))) == 1


def test_pictures_come_from_the_cache_unchanged(home: Path) -> None:
    drawn = Scenes(size=16, train=30).split("train").item(7, RNG).image.copy()
    (file,) = home.rglob("*.npy")
    stamp = file.stat().st_mtime_ns
    again = Scenes(size=16, train=30).split("train").item(7, RNG).image
    np.testing.assert_array_equal(drawn, again)
    assert file.stat().st_mtime_ns == stamp


def test_a_spoilt_cache_is_drawn_again(home: Path) -> None:
    wanted = Scenes(size=16, train=30).split("train").item(7, RNG).image.copy()
    (file,) = home.rglob("*.npy")
    file.write_bytes(file.read_bytes()[:500])
    got = Scenes(size=16, train=30).split("train").item(7, RNG).image
    np.testing.assert_array_equal(got, wanted)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_without_a_place_to_keep_them_pictures_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Scenes(size=32, train=30).split("train").item(7, RNG).image.copy()
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("ALBEFKIT_HOME", str(blocked))
    split = Scenes(size=32, train=30).split("train")
    with pytest.warns(AlbefkitWarning, match="ALBEFKIT_HOME"):
        split.prepare()
    np.testing.assert_array_equal(split.item(7, RNG).image, wanted)


def test_too_many_pictures_to_keep_are_drawn_one_by_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setattr("albefkit.data.scenes.pictures.KEPT_BYTES", 1000)
        split = Scenes(size=32, train=30).split("train")
        split.prepare()
        image = split.item(7, RNG).image
    assert not list(home.rglob("*.npy"))
    np.testing.assert_array_equal(
        image, Scenes(size=32, train=30).split("train").item(7, RNG).image
    )


def test_splits_travel_to_workers() -> None:
    split = Scenes(size=16, train=30).split("train")
    wanted = split.item(3, RNG)
    got = pickle.loads(pickle.dumps(split)).item(3, RNG)
    np.testing.assert_array_equal(got.image, wanted.image)
    assert got.fields == wanted.fields and got.text == wanted.text


def test_the_gallery_is_every_scene_with_its_caption() -> None:
    gallery = Scenes(size=16, val=12).split("val").gallery()
    assert len(gallery) == len(gallery.texts) == len(gallery.names) == 12
    assert list(gallery.owner) == list(range(12))
    assert gallery.image(3).shape == (16, 16, 3)


def test_fingerprints_tell_worlds_apart() -> None:
    worlds = [
        Scenes(),
        Scenes(noise=0.2),
        Scenes(seed=1),
        Scenes(size=32),
        Scenes(train=10),
        Scenes(objects=(2, 3)),
    ]
    assert len({world.split("train").fingerprint for world in worlds}) == len(worlds)
    assert Scenes().split("val").fingerprint == Scenes(noise=0.9).split("val").fingerprint


def test_a_changed_generator_has_a_new_version() -> None:
    """Pictures are kept between runs under this version: raise it when they change, then this."""
    split = Scenes(train=40).split("train")
    said = hashlib.blake2b("\n".join(split.captions()).encode(), digest_size=8).hexdigest()
    drawn = draw(split.world, 0, 40, 64).reshape(40, 4, 16, 4, 16, 3).mean(axis=(2, 4))
    expected = np.load(Path(__file__).parent / "scenes.npy")
    assert (GENERATOR_VERSION, said) == (4, "0f159630fc96ca8b")
    np.testing.assert_allclose(drawn, expected, atol=0.3)


@pytest.mark.parametrize("objects", [(0, 3), (3, 2), (1, 7)])
def test_impossible_numbers_of_objects_are_refused(objects: tuple[int, int]) -> None:
    with pytest.raises(ComponentError, match="fewest and most"):
        Scenes(objects=objects)
