"""Ranges of recipe parameters, so that a wrong value is refused at its place in the recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(ge=1)]
"""How many of something: at least one."""
Deviation = Annotated[float, Field(gt=0.0)]
"""A standard deviation: more than 0."""
Chance = Annotated[float, Field(ge=0.0, le=1.0)]
"""A chance: 0 to 1."""
