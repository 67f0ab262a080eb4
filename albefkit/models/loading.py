"""From a folder, or a repository of the hub, to a model that can be asked."""

from __future__ import annotations

from pathlib import Path

from albefkit.engine.devices import DeviceName
from albefkit.models.model import Model
from albefkit.models.pretrained import fetch
from albefkit.models.stored import Numbers, WhichWeights, find_stored


def load(
    path: str | Path,
    *,
    weights: WhichWeights = "best",
    device: DeviceName = "auto",
    precision: Numbers | None = None,
) -> Model:
    """Load a trained model; its training data need not be there.

    Args:
        path: the folder of a run, of one of its checkpoints, or of `save_pretrained`.
        weights: of a run: its best checkpoint (its last, where none was found best), or its last.
        device: where it computes; `auto` takes a GPU if there is one.
        precision: which numbers it computes with; None: those it was trained with, on the same kind
            of device, else the fastest that are safe.

    Raises:
        ComponentError: there is no trained model, or a part of it is not installed here.
        DataError: its weights are damaged.
    """
    return Model(find_stored(path, weights), device=device, precision=precision)


def from_pretrained(
    folder_or_repo: str | Path,
    *,
    revision: str | None = None,
    token: str | None = None,
    device: DeviceName = "auto",
    precision: Numbers | None = None,
) -> Model:
    """Load a model that `save_pretrained` or `push_to_hub` wrote.

    Args:
        folder_or_repo: a folder; else `owner/name` on the Hugging Face hub.
        revision: of the repository: a branch, a tag or a commit.
        token: who reads a private repository; None: whoever is logged in.
        device: as for `load`.
        precision: as for `load`.

    Raises:
        ComponentError: there is no such model, it cannot be fetched, or it would need code that is
            not installed here.
        DataError: its weights are damaged.
    """
    folder = Path(folder_or_repo).expanduser()
    if not folder.is_dir():
        folder = fetch(str(folder_or_repo), revision, token)
    return load(folder, device=device, precision=precision)
