"""Whether a host of the network answers, asked without waiting long."""

from __future__ import annotations

import threading
from functools import cache
from urllib.parse import urlsplit

import huggingface_hub
import huggingface_hub.constants

PATIENCE = 4.0
"""Seconds to wait for an answer from the network before calling it unreachable."""


def unreachable(url: str, patience: float | None = None) -> str | None:
    """Why the host of a URL cannot be reached, or None if it answers.

    Asks once per process and host; gives up after `patience` seconds (None: `PATIENCE`), also when
    the name of the host does not resolve.
    """
    parts = urlsplit(url)
    return _silent_host(f"{parts.scheme}://{parts.netloc}", patience or PATIENCE)


@cache
def _silent_host(root: str, patience: float) -> str | None:
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    answer: list[str | None] = [f"{root} does not answer within {patience:.0f} s"]

    def ask() -> None:
        try:
            huggingface_hub.get_session().head(root, timeout=patience)
            answer[0] = None
        except Exception as error:  # whatever it is, there is no network
            answer[0] = f"{root} cannot be reached ({error})"

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return answer[0]
