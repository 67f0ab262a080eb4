"""Encoders of Hugging Face, through the public names of transformers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from albefkit.layers.attention import fused_pays
from albefkit.layers.load_report import LoadReport, TensorFate
from albefkit.layers.weights import Absence, Source, find_model
from albefkit.registry.errors import ComponentError, Problem

KNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "bert-base-uncased": ("bert", {}),
    "bert-large-uncased": (
        "bert",
        {
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
        },
    ),
    "distilbert-base-uncased": ("distilbert", {}),
    "roberta-base": (
        "roberta",
        {
            "vocab_size": 50265,
            "max_position_embeddings": 514,
            "type_vocab_size": 1,
            "layer_norm_eps": 1e-5,
        },
    ),
}
"""Shapes of well-known models, for starting at random where their files are out of reach."""
FEED_FORWARD = ("intermediate_size", "hidden_dim", "ffn_dim")
DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "dropout",
    "attention_dropout",
    "hidden_dropout",
    "embedding_dropout",
    "mlp_dropout",
)


def configuration(name: str, found: Source | Absence) -> Any:
    """The configuration of a model.

    Args:
        name: on the hub, a folder, or a type of model that transformers knows.
        found: where its weights are, or why there are none.

    Raises:
        ComponentError: nothing is known about this name here.
    """
    from transformers import AutoConfig

    if isinstance(found, Absence):
        known = KNOWN.get(name.rpartition("/")[2])
        if known is not None:
            return AutoConfig.for_model(known[0], **known[1])
        try:
            return AutoConfig.for_model(name)
        except ValueError:
            found = find_model(name, weights=False)
        if isinstance(found, Absence):
            known_names = ", ".join(KNOWN)
            hint = f"Give a local folder, one of {known_names}, or a type such as bert."
            message = f"nothing says what '{name}' is like: {found.reason}"
            raise ComponentError(Problem("", "", message, hint))
    try:
        return AutoConfig.from_pretrained(found.name, local_files_only=found.offline)
    except Exception as error:  # many types, depending on what is missing
        raise ComponentError(f"{name}: {str(error).partition(chr(10))[0]}") from error


@dataclass(frozen=True)
class Sizes:
    """What a recipe may change about an encoder; None leaves the model's own."""

    layers: int
    width: int | None = None
    heads: int | None = None
    feed_forward: int | None = None
    positions: int | None = None
    dropout: float | None = None


def override(config: Any, sizes: Sizes) -> None:
    """Write a recipe's sizes into a configuration.

    Raises:
        ComponentError: the model has no such size, or its heads do not divide its width.
    """
    changes = {
        "num_hidden_layers": sizes.layers,
        "hidden_size": sizes.width,
        "embedding_size": sizes.width if hasattr(config, "embedding_size") else None,
        "num_attention_heads": sizes.heads,
        _first(config, FEED_FORWARD): sizes.feed_forward,
        "max_position_embeddings": sizes.positions,
    } | {name: sizes.dropout for name in DROPOUTS if hasattr(config, name)}
    for name, value in changes.items():
        if value is not None and not hasattr(config, name):
            raise ComponentError(f"{config.model_type} has no {name} to set")
        if value is not None:
            setattr(config, name, value)
    if config.num_attention_heads < 1 or config.hidden_size % config.num_attention_heads:
        message = (
            f"{config.num_attention_heads} heads do not divide a width of {config.hidden_size}"
        )
        raise ComponentError(Problem("", "", message, "Set 'heads' to a divisor of the width."))


def positions(config: Any) -> int | None:
    """How many tokens a model can count, or None if there is no limit."""
    most = getattr(config, "max_position_embeddings", None)
    if most is None or config.model_type not in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        return most
    return most - config.pad_token_id - 1  # their positions start behind the padding's


def fresh_model(config: Any) -> Any:
    """A model with random weights and without a pooler."""
    from transformers import AutoModel

    return _without_pooler(AutoModel.from_config(config, attn_implementation=_attention()))


def pretrained_model(config: Any, source: Source) -> tuple[Any, LoadReport]:
    """A model with pretrained weights and without a pooler.

    Args:
        config: its configuration, perhaps with fewer layers or another vocabulary.
        source: where its weights are.

    Raises:
        ComponentError: they cannot be read without running code, or at all.
    """
    from transformers import AutoModel

    try:
        with _quiet():
            model, found = AutoModel.from_pretrained(
                source.name,
                config=config,
                attn_implementation=_attention(),
                local_files_only=source.offline,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except Exception as error:  # many types, depending on what is missing
        message = f"weights of {source.name} cannot be read: {str(error).partition(chr(10))[0]}"
        raise ComponentError(message) from error
    model = _without_pooler(model)
    report = LoadReport(source=source.name)
    mismatched = {entry[0]: f"{tuple(entry[1])} there" for entry in found["mismatched_keys"]}
    for name in model.state_dict():
        if name in mismatched:
            report.tensors[name] = TensorFate("fresh", mismatched[name])
        elif name in found["missing_keys"]:
            report.tensors[name] = TensorFate("fresh", "not in the checkpoint")
        else:
            report.tensors[name] = TensorFate("loaded")
    for name in sorted(found["unexpected_keys"]):
        report.tensors[name] = TensorFate("dropped")
    return model, report


def checkpoint_activations(model: Any) -> bool:
    """Let a model's layers be computed again on the way back, if it can."""
    if not model.supports_gradient_checkpointing:
        return False
    # The second is the name in releases of transformers before the first.
    names = ("activation_checkpointing_enable", "gradient_checkpointing_enable")
    switch = next(getattr(model, name) for name in names if hasattr(model, name))
    switch({"use_reentrant": False})
    model.config.use_cache = False  # of decoders; it would be warned about
    return True


def _attention() -> str:
    return "sdpa" if fused_pays() else "eager"


def _without_pooler(model: Any) -> Any:
    """Nobody reads a pooler, and weights nobody reads would never get a gradient."""
    if isinstance(getattr(model, "pooler", None), nn.Module):
        model.pooler = None
    return model


def _first(config: Any, names: tuple[str, ...]) -> str:
    return next((name for name in names if hasattr(config, name)), names[0])


@contextmanager
def _quiet() -> Iterator[None]:
    """The load report says it better than the library's log."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
