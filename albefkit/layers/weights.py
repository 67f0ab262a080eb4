"""Where pretrained weights are: a local folder, the cache, the hub; and reading them safely."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import huggingface_hub
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from albefkit.layers.reaching import PATIENCE, unreachable
from albefkit.registry.errors import AlbefkitWarning, ComponentError, Problem

Pretrained = Literal["auto", True, False]
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
CONFIG_FILE = "config.json"
_FROM_ELSEWHERE: ContextVar[bool] = ContextVar("weights from elsewhere", default=False)


@dataclass(frozen=True)
class Source:
    """Where a model's files can be had.

    Args:
        name: a folder or a name on the hub.
        offline: whether they are all on this machine.
    """

    name: str
    offline: bool


@dataclass(frozen=True)
class Absence:
    """Why a model's files cannot be had."""

    reason: str


def find_model(name: str, weights: bool = True) -> Source | Absence:
    """Look for a model's files without waiting long and without fetching them.

    Args:
        name: a folder, or a name on the hub.
        weights: whether its weights are wanted, or only its configuration.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _in_folder(folder, weights)
    if name.startswith((".", "/", "~")):
        return Absence(f"there is no folder {name}")
    if cached(name, CONFIG_FILE) and (not weights or any(cached(name, f) for f in WEIGHT_FILES)):
        return Source(name, offline=True)
    try:
        url = huggingface_hub.hf_hub_url(name, CONFIG_FILE)
    except ValueError as error:
        return Absence(str(error))
    reason = unreachable(url) or _refused(url)
    return Absence(f"{name} is not in the cache, and {reason}") if reason else Source(name, False)


@contextmanager
def weights_from_elsewhere() -> Iterator[None]:
    """Within it parts take their shape alone, as if no weights could be had: nothing is looked for,
    and nobody is warned, because other weights are about to come in.
    """
    before = _FROM_ELSEWHERE.set(True)
    try:
        yield
    finally:
        _FROM_ELSEWHERE.reset(before)


def choose(
    pretrained: Pretrained, what: str, find: Callable[[], Source | Absence]
) -> Source | Absence:
    """Settle what `pretrained` means here and now.

    Args:
        pretrained: false asks for random weights; true insists on pretrained ones; auto takes them
            where they can be had, and says so where they cannot.
        what: the component, for messages.
        find: looks for the weights; called only if they are wanted.

    Raises:
        ComponentError: true, and they cannot be had.
    """
    if pretrained is False:
        return Absence("pretrained: false")
    if _FROM_ELSEWHERE.get():
        return Absence("weights come from elsewhere")
    found = find()
    if isinstance(found, Source):
        return found
    if pretrained is True:
        message = f"{what}: no pretrained weights: {found.reason}"
        hint = "Give a local folder, or say 'pretrained: auto' or 'pretrained: false'."
        raise ComponentError(Problem("", "", message, hint))
    warnings.warn(
        f"{what} starts from random weights: {found.reason}", AlbefkitWarning, stacklevel=2
    )
    return found


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint that holds tensors and nothing that can run.

    Takes safetensors, a torch state dict, and a torch file with the state dict under `model` or
    `state_dict`.

    Raises:
        ComponentError: the file is missing, broken, or would have to execute code to be read.
    """
    return read_checkpoint(path)[0]


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """As `read_tensors`, with what else the file holds beside a wrapped state dict.

    Raises:
        ComponentError: the file is missing, broken, or would have to execute code to be read.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path), {}
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        message = "is not a torch file of tensors alone; reading anything else could run its code"
        hint = "Convert it to safetensors where you trust it."
        raise ComponentError(Problem("", str(path), message, hint)) from error
    except (OSError, RuntimeError, EOFError, ValueError, SafetensorError) as error:
        first_line = str(error).partition("\n")[0]
        raise ComponentError(Problem("", str(path), f"cannot be read: {first_line}")) from error
    beside: dict[str, object] = {}
    for wrapper in ("model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            beside = {name: value for name, value in content.items() if name != wrapper}
            content = content[wrapper]
    tensors = content if isinstance(content, dict) else {}
    if not tensors or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise ComponentError(Problem("", str(path), "holds no state dict of tensors"))
    return tensors, beside


def _in_folder(folder: Path, weights: bool) -> Source | Absence:
    if not (folder / CONFIG_FILE).is_file():
        return Absence(f"{folder} has no {CONFIG_FILE}")
    if weights and not any((folder / file).is_file() for file in WEIGHT_FILES):
        return Absence(f"{folder} has none of {', '.join(WEIGHT_FILES)}")
    return Source(str(folder), offline=True)


def cached(name: str, file: str) -> bool:
    """Whether a file of a model of the hub is on this machine."""
    try:
        return isinstance(huggingface_hub.try_to_load_from_cache(name, file), str)
    except ValueError:
        return False


def _refused(url: str) -> str | None:
    try:
        huggingface_hub.get_hf_file_metadata(url, timeout=PATIENCE)
    except Exception as error:  # many types, all of them an answer that is no file
        return f"{url}: {str(error).partition(chr(10))[0]}"
    return None
