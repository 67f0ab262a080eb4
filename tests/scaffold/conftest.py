"""Fixtures of the toy environment, for names that are taken."""

from tests.toy.fixtures import folder, recipe, stranger, toys

__all__ = ["folder", "recipe", "stranger", "toys"]
