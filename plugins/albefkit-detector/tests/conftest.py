"""A cache of its own for every test, and a detector that nobody had to train."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models.detection import FasterRCNN

from albefkit_detector import scenes_detector, training
from albefkit_detector.regions import Detector


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with the cache below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def random_network(*_: object, **__: object) -> FasterRCNN:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return scenes_detector.make_network().eval()


@pytest.fixture
def detector() -> Detector:
    """The small detector before it has learnt anything."""
    return scenes_detector.as_detector(random_network(), "random")


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Training a small detector takes no time; each time it happens is noted here."""
    times: list[str] = []

    def train(*arguments: object, **options: object) -> FasterRCNN:
        times.append("trained")
        return random_network()

    monkeypatch.setattr(training, "train", train)
    return times


@pytest.fixture(scope="session")
def learnt() -> FasterRCNN:
    """The small detector as it is after its minute or two of training: for slow tests."""
    return training.train()
