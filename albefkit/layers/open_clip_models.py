"""Models of OpenCLIP: what they are like, where their weights are, how they are made."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub.constants import ENDPOINT

from albefkit.layers.reaching import unreachable
from albefkit.layers.weights import Absence, Source, cached
from albefkit.registry.errors import ComponentError, Problem

LOCAL, HUB = "local-dir:", "hf-hub:"
CONFIG_FILE = "open_clip_config.json"
HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
LEAST: Mapping[str, Mapping[str, int]] = {
    "vision_cfg": {"image_size": 8, "patch_size": 8, "layers": 1, "width": 8, "head_width": 8},
    "text_cfg": {"context_length": 2, "vocab_size": 2, "layers": 1, "width": 8, "heads": 1},
}
"""The smallest towers: what is made in place of one that is thrown away."""


def configuration(name: str) -> dict[str, Any]:
    """What a model is like, as open_clip writes it.

    Args:
        name: as open_clip knows it, local-dir:FOLDER or hf-hub:NAME.

    Raises:
        ComponentError: there is none of this name.
    """
    import open_clip

    if not name.startswith((LOCAL, HUB)):
        if name in open_clip.list_models():
            return dict(open_clip.get_model_config(name) or {})
        hint = "open_clip.list_models() lists them; local-dir:FOLDER reads a folder."
        raise ComponentError(Problem("", "", f"open_clip has no model '{name}'", hint))
    try:
        if name.startswith(LOCAL):
            file = Path(name.removeprefix(LOCAL)) / CONFIG_FILE
        else:
            file = Path(huggingface_hub.hf_hub_download(name.removeprefix(HUB), CONFIG_FILE))
        return dict(json.loads(file.read_text(encoding="utf-8"))["model_cfg"])
    except Exception as error:  # network, cache, format
        raise _impossible(name, error) from error


def create(name: str, weights: str, shape: Mapping[str, Any] | None = None) -> Any:
    """A CLIP model of open_clip, with its towers as `visual` and `text`.

    Args:
        name: as open_clip knows it, local-dir:FOLDER or hf-hub:NAME.
        weights: the tag of pretrained weights, or a file.
        shape: makes one with random weights, with these parts of its configuration in place of
            its own (`vision_cfg`, `text_cfg`); None: one with its weights.

    Raises:
        ComponentError: whatever open_clip has against it.
    """
    import open_clip

    bare = not name.startswith((LOCAL, HUB))
    quick = bool(open_clip.get_pretrained_cfg(name, weights).get("quick_gelu")) if bare else False
    load = shape is None
    try:
        with _quiet():
            return open_clip.create_model(
                name,
                pretrained=weights if bare and load else None,
                load_weights=load,
                require_pretrained=load,
                force_quick_gelu=quick,
                force_custom_text=True,
                pretrained_text=False,
                **(shape or {}),
            )
    except Exception as error:  # network, cache, format: whatever open_clip raises
        raise _impossible(name, error) from error


def require_heads(width: int, heads: int) -> None:
    """Refuse heads that do not divide a width.

    Raises:
        ComponentError: they do not.
    """
    if heads < 1 or width % heads:
        message = f"{heads} heads do not divide a width of {width}"
        raise ComponentError(Problem("", "", message, "Set 'heads' to a divisor of the width."))


def find(name: str, weights: str) -> Source | Absence:
    """Look for a model's weights without waiting long and without fetching them.

    Args:
        name: as open_clip knows it, local-dir:FOLDER or hf-hub:NAME.
        weights: the tag of pretrained weights, or a file.
    """
    import open_clip

    if name.startswith(LOCAL):
        return Source(name.removeprefix(LOCAL), offline=True)
    if name.startswith(HUB):
        reason = unreachable(ENDPOINT)
        return Absence(reason) if reason else Source(name, offline=False)
    if Path(weights).is_file():
        return Source(weights, offline=True)
    config = open_clip.get_pretrained_cfg(name, weights)
    if not config:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        return Absence(f"{name} has no weights '{weights}'; there are: {tags}")
    repository, _, file = config.get("hf_hub", "").rpartition("/")
    if repository and any(cached(repository, each) for each in ((file,) if file else HUB_FILES)):
        return Source(f"{repository} ({weights})", offline=True)
    reason = unreachable(ENDPOINT if repository else config["url"])
    return Absence(reason) if reason else Source(f"{name} ({weights})", offline=False)


def _impossible(name: str, error: Exception) -> ComponentError:
    return ComponentError(f"open_clip cannot make {name}: {str(error).partition(chr(10))[0]}")


@contextmanager
def _quiet() -> Iterator[None]:
    """The library warns of random weights also where they are about to be replaced."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
