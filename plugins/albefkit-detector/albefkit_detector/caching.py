"""Which detector suits which data, and where albefkit keeps what detectors found."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import torch
from albefkit.data.base import Dataset, Split
from albefkit.data.scenes.drawn import DrawnDataset
from albefkit.data.scenes.pictures import cache_folder
from albefkit.quantities import duration
from albefkit.registry.errors import AlbefkitWarning

from albefkit_detector import coco_detector, scenes_detector, training
from albefkit_detector.extraction import extract
from albefkit_detector.files import made_once
from albefkit_detector.regions import Detector
from albefkit_detector.training import Progress

PATIENCE = 4.0
"""Seconds after which people are told how long it will take."""


def folder() -> Path:
    """Where detectors and regions are kept that nobody asked to be elsewhere."""
    return cache_folder() / "detector"


def suitable(dataset: Dataset) -> str:
    """The name of the detector for some data: drawn scenes know the boxes that one can learn from,
    and no photograph teaches what they show; all else is taken for photographs.
    """
    return training.name_of() if isinstance(dataset, DrawnDataset) else coco_detector.NAME


def get_detector(name: str, progress: Progress) -> Detector:
    """A detector by the name that `suitable` gives, trained or fetched now if need be.

    Raises:
        ComponentError: its weights cannot be had.
        DataError: the cache cannot be written to.
    """
    if name == coco_detector.NAME:
        found = coco_detector.load()
    else:
        file = folder() / f"{name}.safetensors"

        def make() -> None:
            network = training.train(device=_device(), progress=progress)
            scenes_detector.save(network.cpu(), file, name=name)

        found = scenes_detector.load(made_once(file, make))
    found.network.to(_device())
    return found


def choose_detector(wanted: str, dataset: Dataset, progress: Progress) -> Detector:
    """The detector that a person asked for: `auto`, `coco`, or the file of a small one.

    Raises:
        ComponentError: its weights cannot be had.
        DataError: there is no such file, or the cache cannot be written to.
    """
    if wanted in ("auto", "coco"):
        name = suitable(dataset) if wanted == "auto" else coco_detector.NAME
        return get_detector(name, progress)
    found = scenes_detector.load(Path(wanted).expanduser())
    found.network.to(_device())
    return found


def cached_regions(split: Split, name: str, detector: str) -> Path:
    """The file of a split's regions, made now if need be.

    Args:
        split: the split.
        name: its name, for people.
        detector: the name of the detector, as `suitable` gives it.

    Raises:
        ComponentError: the detector's weights cannot be had.
        DataError: the cache cannot be written to.
    """
    file = folder() / detector / f"{split.fingerprint}.safetensors"

    def make() -> None:
        found = get_detector(detector, Estimate())
        extract(split, found, file, Estimate(), f"'{name}'")

    return made_once(file, make)


class Estimate:
    """Says once, as a warning, how long something will take that takes longer than a moment."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._said = False

    def __call__(self, what: str, done: int, total: int) -> None:
        """Hear how far it is."""
        passed = time.monotonic() - self._began
        if not self._said and passed > PATIENCE and 0 < done < total:
            self._said = True
            text = f"{what}, this once: about {duration(passed / done * total)}. Kept in {folder()}"
            warnings.warn(text, AlbefkitWarning, stacklevel=2)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
