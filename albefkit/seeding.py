"""Every random choice is a function of names and numbers, so nothing random needs saving.

A stream is keyed by what it is for: `torch_generator(seed, rank, step, "mlm")`. Dropping one
objective leaves the choices of the others as they were, which is what makes ablations paired.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    import torch


def stream(*keys: int | str) -> int:
    """A stable 63-bit number for `keys`, the same on every machine and in every process."""
    text = "\x1f".join(f"{type(key).__name__}:{key}" for key in keys)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def numpy_rng(*keys: int | str) -> numpy.random.Generator:
    """A NumPy generator for `keys`."""
    import numpy

    return numpy.random.Generator(numpy.random.Philox(stream(*keys)))


def torch_generator(*keys: int | str) -> torch.Generator:
    """A torch generator on the host for `keys`."""
    import torch

    return torch.Generator().manual_seed(stream(*keys))
