"""What an examination cannot begin without: encoders that read, and images that can be read."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from albefkit.fusion.base import Fusion
from albefkit.network import Network
from albefkit.registry.errors import AlbefkitWarning, ComponentError, DataError
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

TOLERATED = 0.01
"""Share of the images that may be unreadable."""
_NAMED = 10


def require_reading(network: Network) -> tuple[VisionEncoder, TextEncoder]:
    """The two encoders of a network.

    Raises:
        ComponentError: one is missing, or it reads something else than images.
    """
    vision, encoder = network.vision, network.text
    if vision is None or encoder is None or vision.reads != ("images",):
        raise ComponentError("this needs a network that reads images and texts (model)")
    return vision, encoder


def require_fusing(network: Network) -> tuple[VisionEncoder, TextEncoder, Fusion]:
    """The three encoders of a network.

    Raises:
        ComponentError: one is missing.
    """
    if network.vision is None or network.text is None or network.fusion is None:
        raise ComponentError("this needs a network that fuses texts with images (model.fusion)")
    return network.vision, network.text, network.fusion


def tolerate(unreadable: Sequence[str], what: str, total: int) -> None:
    """Say what could not be read and is left out.

    Args:
        unreadable: what is wrong with each.
        what: what they are, for messages.
        total: how many there are of these.

    Raises:
        DataError: too many cannot be read; names the first.
    """
    if not unreadable:
        return
    listed = "\n".join(unreadable[:_NAMED])
    message = f"{len(unreadable)} of {total} {what} cannot be read:\n{listed}"
    if len(unreadable) > TOLERATED * total:
        raise DataError(message)
    warnings.warn(f"{message}\nThey are left out.", AlbefkitWarning, stacklevel=3)
