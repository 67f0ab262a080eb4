"""When Python looks for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Make objects that stay without looking them through for garbage meanwhile.

    Importing libraries and saying captions makes millions of them; looking them through again and
    again is a fifth of the start of a run. What nothing refers to any more is freed as ever.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
