"""What happens to a picture before a network sees it (spec 10).

Pictures stay uint8 until a whole batch is normalised at once, which costs less than one by one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from albefkit.data.randaugment import RandAugment

Flip = Literal["always", "unless-sided", "never"]

Triple = tuple[float, float, float]

_SIDED = re.compile(r"\b(left|right)(most)?\b", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left"}
_RATIO = (3 / 4, 4 / 3)
_ATTEMPTS = 10


def swap_sides(text: str) -> str:
    """Left becomes right and right becomes left, as in a mirror."""
    return _SIDED.sub(lambda found: _OTHER[found[1].lower()] + (found[2] or ""), text)


class Normalise:
    """Bytes to numbers around zero.

    Args:
        mean: per channel, of values in 0..1.
        std: per channel.
    """

    def __init__(self, mean: Triple, std: Triple) -> None:
        self._scale = (1 / (255 * torch.tensor(std))).reshape(3, 1, 1)
        self._shift = (-torch.tensor(mean) / torch.tensor(std)).reshape(3, 1, 1)

    def __call__(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """`(H, W, 3)` uint8 pictures of one size -> `(B, 3, H, W)` float32."""
        stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
        return stacked.float().mul_(self._scale).add_(self._shift)


class TrainTransform:
    """A random crop, perhaps a flip, perhaps RandAugment; another one every time (spec 10).

    Args:
        size: side of the square picture that comes out.
        mean: what `normalise` takes from each channel.
        std: what `normalise` divides each channel by.
        crop_scale: smallest and largest share of the picture's area a crop keeps.
        flip: mirror half of the pictures "always" (as released), or "never"; "unless-sided" mirrors
            the words left and right with the picture, so that a caption stays true.
        randaugment: None leaves colours and geometry alone.
    """

    def __init__(
        self,
        size: int,
        mean: Triple,
        std: Triple,
        *,
        crop_scale: tuple[float, float] = (0.2, 1.0),
        flip: Flip = "unless-sided",
        randaugment: RandAugment | None = None,
    ) -> None:
        self.size, self.normalise = size, Normalise(mean, std)
        self._crop_scale, self._flip, self._randaugment = crop_scale, flip, randaugment

    def __call__(
        self, image: np.ndarray, text: str, rng: np.random.Generator
    ) -> tuple[Tensor, str]:
        """`(H, W, 3)` uint8 -> `(3, size, size)` float32, and what the text then says."""
        picture, text = self.picture(image, text, rng)
        return self.normalise([picture])[0], text

    def picture(
        self, image: np.ndarray, text: str, rng: np.random.Generator
    ) -> tuple[np.ndarray, str]:
        """As calling it, but `(size, size, 3)` uint8: to be normalised with the rest of a batch."""
        pictures, text = self.pictures([image], text, rng)
        return pictures[0], text

    def pictures(
        self, images: Sequence[np.ndarray], text: str, rng: np.random.Generator
    ) -> tuple[list[np.ndarray], str]:
        """As `picture`, for all images that a text speaks of, each cropped and coloured by itself.

        Where words follow the mirror, all images do, and what hung on the left hangs on the right.
        """
        pictures = [self._cropped(image, rng) for image in images]
        if self._flip == "always":
            pictures = [each[:, ::-1] if rng.random() < 0.5 else each for each in pictures]
        elif self._flip == "unless-sided" and rng.random() < 0.5:
            pictures = [each[:, ::-1] for each in reversed(pictures)]
            text = swap_sides(text)
        if self._randaugment is not None:
            pictures = [self._randaugment(each, rng) for each in pictures]
        return pictures, text

    def _cropped(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        left, top, wide, high = random_crop(width, height, self._crop_scale, rng)
        cropped = Image.fromarray(image[top : top + high, left : left + wide])
        return np.asarray(cropped.resize((self.size, self.size), Image.Resampling.BICUBIC))


class EvalTransform:
    """Resize to a square, aspect not kept, and normalise (spec 10).

    Args:
        size: side of the square picture that comes out.
        mean: per channel, of values in 0..1.
        std: per channel.
    """

    def __init__(self, size: int, mean: Triple, std: Triple) -> None:
        self.size, self.normalise = size, Normalise(mean, std)

    def __call__(self, image: np.ndarray) -> Tensor:
        """`(H, W, 3)` uint8 -> `(3, size, size)` float32."""
        return self.normalise([self.picture(image)])[0]

    def picture(self, image: np.ndarray) -> np.ndarray:
        """As calling it, but `(size, size, 3)` uint8: to be normalised with the rest of a batch."""
        if image.shape[:2] == (self.size, self.size):
            return image
        resized = Image.fromarray(image).resize((self.size, self.size), Image.Resampling.BICUBIC)
        return np.asarray(resized)


def random_crop(
    width: int, height: int, scale: tuple[float, float], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A crop of random area and a random aspect between 3:4 and 4:3, as torchvision draws it.

    Returns:
        Left, top, width, height; the largest central crop of a legal aspect where no draw fits.
    """
    for area, ratio, x, y in rng.random((_ATTEMPTS, 4)).tolist():
        target = width * height * (scale[0] + area * (scale[1] - scale[0]))
        aspect = _RATIO[0] * (_RATIO[1] / _RATIO[0]) ** ratio
        wide, high = round((target * aspect) ** 0.5), round((target / aspect) ** 0.5)
        if 0 < wide <= width and 0 < high <= height:
            return int(x * (width - wide + 1)), int(y * (height - high + 1)), wide, high
    wide = min(width, max(1, round(height * _RATIO[1])))
    high = min(height, max(1, round(width / _RATIO[0])))
    return (width - wide) // 2, (height - high) // 2, wide, high
