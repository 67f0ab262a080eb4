"""Another dataset, and beside each of its pictures the regions that a detector found in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from albefkit.data.base import Dataset, Gallery, Item, Split, SplitName
from albefkit.registry.errors import ComponentError, DataError, Problem
from albefkit.seeding import stream

from albefkit_detector.caching import cached_regions, suitable
from albefkit_detector.region_file import RegionFile

AUTO = "auto"


class Regions(Dataset):
    """Another dataset with the regions of its pictures, looked at once and cached.

    Items and galleries get `regions (N, F)`, `region_boxes (N, 4)`, `region_classes (N, C)` and
    `region_mask (N,)`. The regions are those of the whole picture as it is: `augment` has to say
    `flip: never`, or words change sides and regions do not.

    Args:
        of: the dataset.
        cache: a folder that `albefkit-detector extract` wrote to; auto looks in albefkit's own
            cache and fills it on first use: with regions of a small detector that is trained on
            drawn scenes where the data are drawn, else of torchvision's with its COCO weights.
    """

    def __init__(self, *, of: Dataset, cache: str = AUTO) -> None:
        if of.images_per_text != 1:
            message = f"a text of these data speaks of {of.images_per_text} images, regions of one"
            raise ComponentError(message)
        self.of = of
        self.cache = cache
        self._made: dict[SplitName, RegionsSplit] = {}

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """Those of the dataset."""
        return self.of.splits

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the dataset; what regions may be is another thing."""
        return self.of.classes

    @property
    def crop_scale(self) -> tuple[float, float]:
        """That of the dataset."""
        return self.of.crop_scale

    def split(self, name: SplitName) -> RegionsSplit:
        """One part of the dataset; its pictures are looked at when regions are asked for.

        Raises:
            DataError: there is no such part, or the cache holds nothing about it.
        """
        if name not in self._made:
            split = self.of.split(name)
            if self.cache == AUTO:
                self._made[name] = RegionsSplit(split, name, suitable(self.of))
            else:
                self._made[name] = RegionsSplit(split, name, _extracted(self.cache, name))
        return self._made[name]


def _extracted(cache: str, name: SplitName) -> RegionFile:
    file = Path(cache).expanduser() / f"{name}.safetensors"
    if not file.is_file():
        message = f"there are no regions of the split '{name}'"
        hint = f"albefkit-detector extract RECIPE --out {cache}; or say 'cache: auto'"
        raise DataError(Problem("", str(file), message, hint))
    return RegionFile(file)


class RegionsSplit(Split):
    """A split whose items have regions.

    Args:
        of: the split.
        name: its name.
        source: the file of its regions; or the name of the detector that is to find them.

    Raises:
        DataError: the file is of other data.
    """

    def __init__(self, of: Split, name: str, source: RegionFile | str) -> None:
        self._of, self._name, self._source = of, name, source
        detector = source
        if isinstance(source, RegionFile):
            source.require(of.fingerprint)
            detector = source.about["detector"]
        self.fingerprint = f"{stream(of.fingerprint, 'regions', str(detector)):016x}"

    def __len__(self) -> int:
        return len(self._of)

    @property
    def lexicon(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Words of the split's."""
        return self._of.lexicon

    def prepare(self) -> None:
        """Make pictures and regions ready, so that workers share both."""
        self._of.prepare()
        self._regions  # noqa: B018

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """The split's item, with regions.

        Raises:
            Unreadable: the image cannot be read.
        """
        item = self._of.item(index, rng)
        return replace(item, fields={**item.fields, **self._regions.of_item(index)})

    def captions(self) -> Iterable[str]:
        """Those of the split."""
        return self._of.captions()

    def item_texts(self) -> Iterable[str]:
        """Those of the split.

        Raises:
            ComponentError: its items have no fixed text.
        """
        return self._of.item_texts()

    def gallery(self) -> Gallery:
        """That of the split, with regions.

        Raises:
            ComponentError: this dataset is for something else than retrieval.
        """
        gallery = self._of.gallery()

        def fields(index: int) -> Mapping[str, Any]:
            return {**gallery.fields(index), **self._regions.of_gallery(index)}

        return replace(gallery, fields=fields)

    def clean(self, text: str, max_words: int) -> str:
        """As the split cleans it."""
        return self._of.clean(text, max_words)

    def holds(self, index: int, text: str) -> bool | None:
        """What the split knows."""
        return self._of.holds(index, text)

    @cached_property
    def _regions(self) -> RegionFile:
        if isinstance(self._source, RegionFile):
            return self._source
        return RegionFile(cached_regions(self._of, self._name, self._source))
