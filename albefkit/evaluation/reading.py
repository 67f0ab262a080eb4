"""What an examination begins with: encoders that read, and images that can be read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from albefkit.evaluation.base import Subject
from albefkit.fusion.base import Fusion
from albefkit.network import Network
from albefkit.registry.errors import AlbefkitWarning, ComponentError, DataError
from albefkit.tensors import require_field
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

TOLERATED = 0.01
"""Share of the images that may be unreadable."""
_NAMED = 10


def fields_read(
    subject: Subject, images: Sequence[np.ndarray], fields: Sequence[Mapping[str, Any]]
) -> tuple[Tensor, ...]:
    """What the vision encoder takes of R images, in its order, on the device.

    Args:
        subject: whose vision encoder.
        images: each `(H, W, 3)` uint8.
        fields: what else the data give of each.

    Raises:
        ComponentError: the encoder reads what the data do not give.
    """
    vision = subject.network.vision
    assert vision is not None
    columns = []
    for name in vision.reads:
        if name == "images":
            rows = [subject.transform(image) for image in images]
        else:
            rows = [torch.as_tensor(require_field(each, name)) for each in fields]
        columns.append(torch.stack(rows).to(subject.device))
    return tuple(columns)


def require_encoders(network: Network) -> tuple[VisionEncoder, TextEncoder]:
    """The two encoders of a network, whatever the one for images reads.

    Raises:
        ComponentError: one is missing.
    """
    if network.vision is None or network.text is None:
        raise ComponentError("this needs a network that reads images and texts (model)")
    return network.vision, network.text


def require_reading(network: Network) -> tuple[VisionEncoder, TextEncoder]:
    """The two encoders of a network that sees pixels.

    Raises:
        ComponentError: one is missing, or it reads something else than images.
    """
    vision, encoder = require_encoders(network)
    if vision.reads != ("images",):
        reads = ", ".join(vision.reads)
        raise ComponentError(f"this needs pixels, and {type(vision).__name__} reads {reads}")
    return vision, encoder


def require_fusing(network: Network) -> tuple[VisionEncoder, TextEncoder, Fusion]:
    """The three encoders of a network.

    Raises:
        ComponentError: one is missing.
    """
    vision, encoder = require_encoders(network)
    if network.fusion is None:
        raise ComponentError("this needs a network that fuses texts with images (model.fusion)")
    return vision, encoder, network.fusion


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
