"""Reading photographs: any mode becomes RGB, huge ones shrink, broken ones are refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from albefkit.data.base import Unreadable

_ORIENTATION = 0x0112
_LONGEST_LINK = 4096


def read_image(path: Path, short_side: int | None = None) -> np.ndarray:
    """The image in a file as `(H, W, 3)` uint8 RGB, upright.

    Args:
        path: of the file.
        short_side: larger images are shrunk until their shorter side has this many pixels.

    Raises:
        Unreadable: missing, not an image, truncated, or so huge that it may be a trap (PIL's
            `MAX_IMAGE_PIXELS`, about 89 million).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return upright(image, short_side)
    except FileNotFoundError:
        raise Unreadable(path, "there is no such file") from None
    except UnidentifiedImageError:
        raise Unreadable(path, "this is not an image") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Unreadable(
            path, f"it has more than {Image.MAX_IMAGE_PIXELS} pixels; shrink it"
        ) from None
    except Exception as error:  # decoders raise whatever a broken file makes them stumble over
        raise Unreadable(path, f"it cannot be decoded ({error})") from error


def followed(path: Path) -> Path:
    """The path behind a link to a folder that git wrote as a text file, as it does where the system
    has no links; any other path as it is.
    """
    for folder in path.parents:
        if folder.is_dir():
            break
        if folder.is_file() and folder.stat().st_size < _LONGEST_LINK:
            target = folder.read_text(encoding="utf-8", errors="replace").strip()
            return folder.parent / target / path.relative_to(folder)
    return path


def upright(image: Image.Image, short_side: int | None = None) -> np.ndarray:
    """An image in memory as `read_image` gives it; decoders raise whatever they stumble over."""
    if short_side is not None:
        image.draft("RGB", (short_side, short_side))
    turned = image
    if image.getexif().get(_ORIENTATION, 1) != 1:
        turned = ImageOps.exif_transpose(image)
    rgb = _eight_bits(turned).convert("RGB")
    if short_side is not None and min(rgb.size) > short_side:
        share = short_side / min(rgb.size)
        size = (round(rgb.width * share), round(rgb.height * share))
        rgb = rgb.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(rgb)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey, which PIL would clip to white, scaled to 8."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) // 257).astype(np.uint8))


class ImageReader:
    """Reads images below a folder and keeps the first ones in memory, as many as fit.

    Training asks for images in ever new orders; what is kept is therefore not exchanged.

    Args:
        root: the folder.
        short_side: see `read_image`.
        keep_bytes: how much memory this process, or all its workers together, may fill.
    """

    def __init__(self, root: Path, short_side: int | None, keep_bytes: int) -> None:
        self._root, self._short_side, self._keep_bytes = root, short_side, keep_bytes
        self._room: int | None = None
        self._kept: dict[str, np.ndarray] = {}

    def read(self, name: str) -> np.ndarray:
        """The image in the file `name`, a path below the folder or an absolute one.

        Raises:
            Unreadable: see `read_image`.
        """
        if (kept := self._kept.get(name)) is not None:
            return kept
        image = read_image(followed(self._root / name), self._short_side)
        if self._room is None:
            self._room = self._keep_bytes // _sharers()
        if image.nbytes <= self._room:
            self._room -= image.nbytes
            self._kept[name] = image
        return image


def _sharers() -> int:
    """How many worker processes share this one's task."""
    from torch.utils.data import get_worker_info  # looking at files alone needs no torch

    worker = get_worker_info()
    return worker.num_workers if worker else 1
