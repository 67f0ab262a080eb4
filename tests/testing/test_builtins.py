"""Every built-in component keeps the contracts of its kind."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from albefkit.registry.catalogue import entries
from albefkit.testing import Check, checks
from tests.testing.components import BUILT_IN, FILES

PICTURES = 12
"""In every folder; each split has rows about six of them."""


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A working directory with pictures, and files about them in every released format."""
    root = tmp_path_factory.mktemp("data")
    for name, entry in FILES.items():
        (root / name).mkdir()
        for number in range(PICTURES):
            pixels = np.random.default_rng(number).integers(0, 255, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
        for first, split in enumerate(("train", "val", "test")):
            rows = [entry(2 * first + row) for row in range(6)]
            (root / name / f"{split}.json").write_text(json.dumps(rows))
    (root / "vqa" / "answer_list.json").write_text(json.dumps(["red", "blue"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALBEFKIT_HOME", str(root / "home"))
        patch.chdir(root)
        yield


def test_no_built_in_is_left_out():
    installed = {(entry.kind, entry.name) for entry in entries() if entry.built_in}
    assert installed == set(BUILT_IN)


EVERY_CHECK = [
    pytest.param(check, id=f"{kind}-{name}-{check}")
    for (kind, name), said in BUILT_IN.items()
    for check in checks(kind, name, **said)
]


@pytest.mark.parametrize("check", EVERY_CHECK)
def test_built_in(check: Check):
    check()
