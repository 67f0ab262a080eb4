"""Shipped recipes that need a distribution of plugins/."""

from importlib.metadata import PackageNotFoundError, distribution

import pytest

NEEDS = {"baselines/detector": "albefkit-detector"}


def require_plugins(recipe: str) -> None:
    """Skip where the plugin of a recipe is not installed; its own tests take the recipe too."""
    if recipe in NEEDS:
        try:
            distribution(NEEDS[recipe])
        except PackageNotFoundError:
            pytest.skip(f"needs {NEEDS[recipe]}")
