"""Reading images of every kind, and refusing what is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from albefkit.data.base import Unreadable
from albefkit.data.images import ImageReader, read_image


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_picture_is_read_as_it_is(photo: Path) -> None:
    expected = np.asarray(Image.open(photo))
    np.testing.assert_array_equal(read_image(photo), expected)
    np.testing.assert_array_equal(read_image(photo, short_side=30), expected)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in ("png", "tiff") for mode in ("L", "LA", "RGBA", "P", "1")]
    + [("tiff", "CMYK"), ("tiff", "F"), ("jpg", "L"), ("jpg", "CMYK"), ("gif", "P")],
)
def test_every_mode_becomes_rgb(photo: Path, kind: str, mode: str) -> None:
    file = photo.with_suffix(f".{kind}")
    Image.open(photo).convert(mode).save(file)
    image = read_image(file)
    assert image.shape == (30, 40, 3) and image.dtype == np.uint8


def test_sixteen_bits_keep_their_shades(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, -1).repeat(4, 0)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png")[0, :, 0], np.arange(256))


def test_sideways_photographs_are_turned_upright(photo: Path) -> None:
    image = Image.open(photo)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(photo.with_suffix(".jpg"), exif=exif)
    assert read_image(photo.with_suffix(".jpg")).shape == (40, 30, 3)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_large_pictures_shrink_to_the_short_side(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (600, 300), (200, 30, 30)).save(tmp_path / f"large.{kind}")
    image = read_image(tmp_path / f"large.{kind}", short_side=64)
    assert image.shape == (64, 128, 3)
    assert np.abs(image.astype(int) - (200, 30, 30)).max() < 4


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"nowhere\.jpg: there is no such file"):
        read_image(tmp_path / "nowhere.jpg")


def test_a_text_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_text("<html>404</html>")
    with pytest.raises(Unreadable, match="not an image"):
        read_image(tmp_path / "page.jpg")


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_half_a_file_is_refused_not_shown_grey(photo: Path, kind: str) -> None:
    file = photo.with_suffix(f".{kind}")
    Image.open(photo).save(file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(Unreadable, match="cannot be decoded"):
        read_image(file)


@pytest.mark.parametrize("bound", [1000, 100], ids=["suspicious", "certain"])
def test_huge_pictures_are_refused(
    photo: Path, monkeypatch: pytest.MonkeyPatch, bound: int
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", bound)
    with pytest.raises(Unreadable, match=f"more than {bound} pixels"):
        read_image(photo)


def test_a_folder_is_not_an_image(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        read_image(tmp_path)


def test_pictures_are_kept_as_far_as_there_is_room(photo: Path) -> None:
    other = photo.with_name("other.png")
    other.write_bytes(photo.read_bytes())
    reader = ImageReader(photo.parent, None, keep_bytes=30 * 40 * 3 + 10)
    for name in ("photo.png", "other.png"):
        reader.read(name)
    photo.unlink()
    other.unlink()
    assert reader.read("photo.png").shape == (30, 40, 3)
    with pytest.raises(Unreadable):
        reader.read("other.png")


def test_a_link_that_was_checked_out_as_a_text_file_is_followed(photo: Path) -> None:
    elsewhere = photo.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "images").write_text("..\n")
    name = f"images/{photo.name}"
    np.testing.assert_array_equal(ImageReader(elsewhere, None, 0).read(name), read_image(photo))
