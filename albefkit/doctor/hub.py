"""Whether weights can be fetched, and how to do without."""

from __future__ import annotations

from collections.abc import Iterator

from albefkit.doctor.finding import Finding

PATIENCE = 2.0
"""Seconds; whoever waits for a doctor waits less than whoever waits for weights."""

SHOWN = 160


def hub() -> Iterator[Finding]:
    """Ask the hub for a sign of life."""
    from huggingface_hub import constants

    from albefkit.layers.reaching import unreachable

    if constants.HF_HUB_OFFLINE:
        found = "not asked, as HF_HUB_OFFLINE is set: weights come from the cache alone"
        yield Finding("hub", "ok", found)
        return
    reason = unreachable(constants.ENDPOINT, PATIENCE)
    if reason is None:
        yield Finding("hub", "ok", f"{constants.ENDPOINT} answers")
        return
    advice = (
        "without it `pretrained: auto` takes what the cache has and else starts at random; to "
        f"have weights, copy {constants.HF_HUB_CACHE} from a machine that has them, or name a "
        "local folder; HF_HUB_OFFLINE=1 saves the waiting"
    )
    yield Finding("hub", "warning", reason[:SHOWN], advice)
