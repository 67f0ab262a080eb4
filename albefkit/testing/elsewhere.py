"""A device that has no numbers: whoever waits for some is found out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from unittest import mock

import torch

from albefkit.testing.contract import Seen

META = torch.device("meta")
"""Shapes and no numbers; what lies on the host keeps its own."""

SIGNS = ("meta tensor", "meta device", "register_meta", "on meta", "for meta")
"""What torch says when numbers of that device are asked for."""


@contextmanager
def elsewhere() -> Iterator[None]:
    """Inside, what lies on `META` stands for what lies on an accelerator.

    Raises:
        Seen: a number was asked for that is not there.
    """
    autocast = torch.autocast

    def quiet(device_type: str, *arguments: Any, **options: Any) -> AbstractContextManager[object]:
        # torch knows no autocast there, and nothing would be computed in it anyway.
        known = device_type != META.type
        return autocast(device_type, *arguments, **options) if known else nullcontext()

    with mock.patch.object(torch, "autocast", quiet):
        try:
            yield
        except (RuntimeError, NotImplementedError, TypeError) as error:
            if any(sign in str(error) for sign in SIGNS):
                reason = str(error).partition("\n")[0]
                raise Seen(f"numbers are asked of the device: {reason}") from error
            raise
