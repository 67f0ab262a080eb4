"""The plugin's recipes, small enough for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from albefkit.assemble import Assembly, assemble
from albefkit.data.sampler import Order
from albefkit.feeding import train_loader
from albefkit.recipe.load import load_recipe
from albefkit.tensors import Batch

RECIPES = Path(__file__).parent.parent / "recipes"
ROWS = 5
FEW = ("data.train=20", "data.val=4", "data.test=4", f"train.batch_size={ROWS}")

Assemble = Callable[..., Assembly]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own for every test."""
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))


@pytest.fixture
def assembled() -> Assemble:
    """Assembles one of the plugin's recipes with little data, in float64."""

    def make(*sets: str, recipe: str = "siglip", drops: Sequence[str] = ()) -> Assembly:
        loaded = load_recipe(str(RECIPES / f"{recipe}.yaml"), sets=[*FEW, *sets], drops=drops)
        assembly = assemble(loaded)
        assembly.pretrainer.double().train()
        return assembly

    return make


def first_batch(assembly: Assembly) -> Batch:
    """In float64; rows 0 and 2 show the same image, rows 1 and 3 say the same."""
    drawn = next(train_loader(assembly, Order(42, 20, ROWS)).batches())
    return Batch(
        images=drawn.images.double(),
        text=drawn.text,
        image_id=torch.tensor([10, 11, 10, 13, 14]),
        text_id=torch.tensor([20, 21, 22, 21, 24]),
    )
