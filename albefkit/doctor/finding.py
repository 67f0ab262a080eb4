"""What the doctor says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Args:
        about: what, in a word or two.
        status: `warning`: something works less well than it could; `problem`: something does not.
        found: what was seen, and what was expected where that is not obvious.
        advice: what to do; empty where there is nothing.
    """

    about: str
    status: Status
    found: str
    advice: str = ""
