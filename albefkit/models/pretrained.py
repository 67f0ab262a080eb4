"""Models for others to use, by the conventions of Hugging Face: a folder, or a repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import huggingface_hub
from safetensors.torch import save_model
from torch import nn

from albefkit import __version__
from albefkit.alignment.space import Space
from albefkit.engine.checkpoint import WEIGHTS
from albefkit.engine.files import write_json, write_text
from albefkit.engine.run_directory import RunDirectory
from albefkit.evaluation.base import Subject
from albefkit.models.abilities import Ability
from albefkit.models.card import card
from albefkit.models.stored import CONFIG, FORMAT, Stored, in_a_file, read_config
from albefkit.registry.errors import ComponentError, Problem

CARD = "README.md"
TOKENIZER = "tokenizer.json"
FETCHED = [CONFIG, WEIGHTS, TOKENIZER]
"""What is taken from a repository; nothing in these can execute code."""


def save(stored: Stored, who: Subject, abilities: Sequence[Ability], folder: Path) -> None:
    """Write a model.

    Args:
        stored: where it is from.
        who: its network and its space.
        abilities: what it can be asked, for its card.
        folder: new, empty, or with such a model in it, which is replaced.

    Raises:
        ComponentError: the folder holds something else, or a component of the model is not
            installed but in a file.
    """
    recipe = stored.recipe
    if found := in_a_file(recipe.resolved):
        message = f"this model has a component in a file, '{found}', which cannot travel with it"
        hint = "Make it an installed package: see CONTRIBUTING.md."
        raise ComponentError(Problem("", str(stored.path), message, hint))
    folder = folder.expanduser()
    if folder.exists() and not _is_ours(folder):
        message = "holds something else than a model: nothing is written there"
        raise ComponentError(Problem("", str(folder), message, "Give a new or an empty folder."))
    folder.mkdir(parents=True, exist_ok=True)
    save_model(_outfit(who), str(folder / WEIGHTS), metadata={"format": "pt"})
    if who.network.text is not None:
        who.network.text.tokenizer.save(folder / TOKENIZER)
    config = {
        "format": FORMAT,
        "albefkit": __version__,
        "name": recipe.name,
        "step": stored.step,
        "classes": list(stored.classes),
        "metrics": stored.metrics,
        "provenance": stored.provenance,
        "recipe": recipe.resolved,
    }
    write_text(folder / CARD, card(stored, abilities))
    # Last: this file is what makes a folder a model.
    write_json(folder / CONFIG, config)


def push(
    stored: Stored,
    who: Subject,
    abilities: Sequence[Ability],
    repo: str,
    private: bool | None,
    token: str | None,
) -> str:
    """Write a model to a repository of the hub; gives its address.

    Raises:
        ComponentError: the hub cannot be reached, or refuses.
    """
    with TemporaryDirectory() as beside:
        folder = Path(beside) / "model"
        save(stored, who, abilities, folder)
        try:
            address = huggingface_hub.create_repo(repo, private=private, token=token, exist_ok=True)
            huggingface_hub.upload_folder(
                repo_id=repo,
                folder_path=folder,
                token=token,
                commit_message=f"{stored.recipe.name} by albefkit {__version__}",
            )
        except Exception as error:  # many types, depending on what is missing
            raise _refused(repo, "cannot be written to the hub", error) from error
    return str(address)


def fetch(repo: str, revision: str | None, token: str | None) -> Path:
    """The folder of a model on the hub, fetched into the cache of Hugging Face.

    Raises:
        ComponentError: there is none, or the hub cannot be reached.
    """
    try:
        folder = huggingface_hub.snapshot_download(
            repo, revision=revision, token=token, allow_patterns=FETCHED
        )
    except Exception as error:  # many types, depending on what is missing
        message = "is no folder, and cannot be fetched from the hub"
        raise _refused(repo, message, error) from error
    return Path(str(folder))


def _outfit(who: Subject) -> nn.Module:
    """What is left of a `Pretrainer` when nothing is trained any more, under the same names."""
    outfit = nn.Module()
    outfit.student = who.network
    if isinstance(who.space, Space):
        outfit.space = nn.Module()
        outfit.space.temperature = who.space.temperature
    return outfit


def _is_ours(folder: Path) -> bool:
    if RunDirectory(folder).resolved.exists() or not folder.is_dir():
        return False
    return read_config(folder) is not None or not any(folder.iterdir())


def _refused(repo: str, message: str, error: Exception) -> ComponentError:
    first_line = str(error).strip().partition("\n")[0]
    return ComponentError(Problem("", repo, f"{message}: {first_line}"))
