"""Fixtures of the toy environment."""

from tests.toy.fixtures import folder, recipe, stranger, toys

__all__ = ["folder", "recipe", "stranger", "toys"]
