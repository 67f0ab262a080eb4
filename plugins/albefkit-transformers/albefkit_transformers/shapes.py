"""What a vision transformer of Hugging Face is like, and what a recipe changes about it."""

from __future__ import annotations

from typing import Any

from albefkit.layers import transformers_models as hub
from albefkit.layers.weights import Absence, Source
from albefkit.registry.errors import ComponentError, Problem

KNOWN: dict[str, tuple[str, dict[str, int]]] = {
    "facebook/dinov2-with-registers-base": (
        "dinov2_with_registers",
        {"patch_size": 14, "image_size": 518},
    ),
    "facebook/dinov3-vits16-pretrain-lvd1689m": ("dinov3_vit", {"num_register_tokens": 4}),
    "google/siglip2-base-patch16-224": ("siglip_vision_model", {}),
}
"""Shapes of some models, for starting at random where their files are out of reach."""

FIELDS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_channels",
    "image_size",
    "patch_size",
)
"""What the configuration of a vision transformer on square patches has."""

HEADS = ("vision_use_head", "use_head")
"""Fields that put a pooling head on top, which nobody here would read."""

HINT = "Take a type such as dinov3_vit, dinov2_with_registers or siglip_vision_model, a model of "
HINT += "such a type on the hub, or its folder; for other image models there is 'type: timm'."


def configuration(name: str, found: Source | Absence) -> Any:
    """The configuration of a vision transformer, that of the image tower where there are two.

    Args:
        name: on the hub, a folder, or a type of model that transformers knows.
        found: where its weights are, or why there are none.

    Raises:
        ComponentError: nothing is known about this name, or it is of another kind.
    """
    from transformers import AutoConfig

    if isinstance(found, Absence) and name in KNOWN:
        kind, fields = KNOWN[name]
        whole = AutoConfig.for_model(kind, **fields)
    else:
        try:
            whole = hub.configuration(name, found)
        except ComponentError as error:
            raise ComponentError(Problem("", "", error.problems[0].message, HINT)) from error
    config = getattr(whole, "vision_config", None) or whole
    missing = [field for field in FIELDS if not hasattr(config, field)]
    if missing or not isinstance(config.patch_size, int):
        lacks = f"says nothing of {', '.join(missing)}" if missing else "has patches of many sizes"
        message = f"'{name}' is no plain vision transformer: the configuration of {type_of(config)}"
        raise ComponentError(Problem("", "", f"{message} {lacks}", HINT))
    for head in HEADS:
        if hasattr(config, head):
            setattr(config, head, False)
    return config


def require_whole_patches(image_size: int, patch_size: int) -> None:
    """Refuse images of which a part would not be seen.

    Raises:
        ComponentError: the patches do not cover the image.
    """
    if image_size % patch_size:
        message = f"an image of {image_size} pixels is not a whole number of {patch_size}-pixel "
        whole = image_size // patch_size * patch_size or patch_size
        raise ComponentError(Problem("", "", f"{message}patches", f"Take image_size {whole}."))


def type_of(config: Any) -> str:
    """The type of a model, as transformers calls it."""
    return str(config.model_type)
