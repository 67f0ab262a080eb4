"""What a checkpoint is: a released one, a run's, or bare tensors of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from albefkit.engine.checkpoint import META, WEIGHTS, Checkpoint
from albefkit.engine.files import read_json
from albefkit.engine.run_directory import RunDirectory
from albefkit.interop.ancestor import weights_file
from albefkit.interop.layouts import RETRIEVAL, images_per_text, layout_of
from albefkit.interop.recognised import Recognised, is_ours, recognise
from albefkit.interop.released import FILLED, TEMPERATURE
from albefkit.interop.released_names import KEYS, QUEUES, STUDENT, TEACHER
from albefkit.layers.weights import read_checkpoint, read_tensors
from albefkit.models.stored import CONFIG, Stored, find_stored, rebuild
from albefkit.registry.errors import AlbefkitError

UNTOLD = "cannot be told: the file does not say"
CONFIGURED = ("train_file", "image_res", "batch_size", "batch_size_train", "queue_size", "alpha")
"""What is worth showing of the configuration in a released file."""


@dataclass(frozen=True)
class Part:
    """One part of a network.

    Args:
        tensors: how many.
        parameters: how many numbers in them.
    """

    tensors: int
    parameters: int


@dataclass(frozen=True)
class Inspection:
    """What is known about a checkpoint.

    Args:
        path: where it is.
        what: what it is, in a line.
        facts: everything else that has a name and a value.
        parts: of the student, by our names; its teacher is one part.
        missing: names that such a network has and the file has not; None where that is unknown.
        unknown: names that only the file has; None likewise.
        load_reports: what became of the weights its parts started from.
    """

    path: str
    what: str
    facts: Mapping[str, Any]
    parts: Mapping[str, Part]
    missing: tuple[str, ...] | None = None
    unknown: tuple[str, ...] | None = None
    load_reports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For machines: plain values."""
        return asdict(self)


def inspect(path: str | Path) -> Inspection:
    """Look at a checkpoint; nothing in it is executed.

    Args:
        path: a released file, a run's folder, a checkpoint's folder, a folder of `save_pretrained`,
            or a file of tensors with our names.

    Raises:
        ComponentError: there is no checkpoint, or reading it would execute code.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        return _of_stored(path, find_stored(path))
    if path.name == WEIGHTS and _belongs(path.parent):
        return _of_stored(path, find_stored(path.parent))
    tensors, beside = read_checkpoint(weights_file(path))
    if is_ours(tensors):
        what = "tensors with albefkit's names, without the recipe that they belong to"
        return Inspection(str(path), what, _facts_of(tensors), _parts(tensors))
    return _of_released(recognise(path, tensors, beside))


def _of_released(found: Recognised) -> Inspection:
    shape, layout = found.shape, found.layout
    again = " (grounding writes the same)" if layout is RETRIEVAL else ""
    groups = shape.fusion_layers // layout.images
    facts: dict[str, Any] = {
        "task": layout.name,
        "pre-trained on": found.pretraining,
        "epoch, from 0": found.beside.get("epoch", UNTOLD),
        "images seen": UNTOLD,
        "resolution": f"{shape.image_size} pixels, patches of {shape.patch_size}",
        "vision": f"{shape.vision_layers} layers, {shape.vision_width} wide",
        "text": f"{shape.text_layers} layers, {shape.text_width} wide, {shape.feed_forward} inside",
        "fusion": _fusion(groups, layout.images),
        "heads of attention": UNTOLD,
        "vocabulary": shape.vocabulary,
        "positions": shape.positions,
    }
    if shape.decoder_layers:
        facts["decoder"] = f"{shape.decoder_layers} layers"
    if shape.classes is not None:
        facts["classes"] = shape.classes
    config = found.beside.get("config")
    if isinstance(config, Mapping):
        facts["configuration"] = {name: config[name] for name in CONFIGURED if name in config}
    what = f"released ALBEF, {layout.name}{again}"
    return Inspection(
        str(found.path),
        what,
        facts | _facts_of(found.ours),
        _parts(found.ours),
        found.missing,
        found.unknown,
    )


def _of_stored(path: Path, stored: Stored) -> Inspection:
    tensors = read_tensors(stored.weights)
    directory = RunDirectory(stored.path)
    manifest = read_json(directory.manifest) if directory.manifest.is_file() else {}
    settings = stored.recipe.settings
    facts: dict[str, Any] = {
        "recipe": f"{stored.recipe.name}, hash {stored.recipe.hash}",
        "objectives": ", ".join(settings.objectives),
        "weights": stored.weights.parent.name,
        "step": UNTOLD if stored.step is None else stored.step,
        "images seen": _images_seen(stored),
    }
    if (stored.weights.parent / META).is_file():
        meta = Checkpoint(stored.weights.parent).meta()
        facts |= {name: meta[name] for name in ("epoch", "score") if meta.get(name) is not None}
    facts["data"] = _data(stored)
    if settings.init is not None:
        facts["started from"] = settings.init
    if converted := manifest.get("converted"):
        facts |= {
            "converted from": converted["file"],
            "pre-trained on": converted["pretraining"],
            "images seen": UNTOLD,
            "epoch": UNTOLD if converted["epoch"] is None else converted["epoch"],
        }
    for evaluator, metrics in stored.metrics.items():
        if evaluator != "train":
            facts[f"measured, {evaluator}"] = metrics
    missing, unknown, trouble = _compared(stored, tensors)
    facts |= _facts_of(tensors) | trouble
    layout = layout_of(tensors)
    facts["released layout"] = layout.name if layout else "none: no task has these heads"
    what = f"{_kind(path, directory)} of albefkit"
    reports = manifest.get("load_reports", {})
    return Inspection(str(path), what, facts, _parts(tensors), missing, unknown, reports)


def _compared(
    stored: Stored, tensors: Mapping[str, Tensor]
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None, dict[str, str]]:
    """Names that the recipe's network has and the file lacks, the reverse, and what it measures."""
    try:
        pretrainer = rebuild(stored).pretrainer
    except AlbefkitError as error:
        return None, None, {"cannot be rebuilt here": error.problems[0].message}
    vision, text = pretrainer.student.vision, pretrainer.student.text
    measured = {}
    if vision is not None:
        measured["resolution"] = f"{vision.image_size} pixels, tokens {vision.width} wide"
    if text is not None:
        words = text.tokenizer.vocabulary_size
        measured["text"] = f"tokens {text.width} wide, {words} words known"
    known = pretrainer.state_dict(keep_vars=True)
    held = {id(tensor) for name, tensor in known.items() if name in tensors}
    missing = sorted(name for name, tensor in known.items() if id(tensor) not in held)
    return tuple(missing), tuple(sorted(tensors.keys() - known.keys())), measured


def _facts_of(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What tensors with our names say."""
    facts: dict[str, Any] = {}
    for name in ("image_projection", "text_projection"):
        projection = tensors.get(f"{STUDENT}{name}.weight")
        if projection is not None:
            facts["shared space"] = f"{projection.shape[0]} wide"
    if TEMPERATURE in tensors:
        facts["temperature"] = round(tensors[TEMPERATURE].item(), 6)
    queue = tensors.get(KEYS + next(iter(QUEUES)))
    if queue is not None:
        filled = int(tensors[FILLED]) if FILLED in tensors else len(queue)
        facts["queue"] = f"{len(queue)} pairs, {filled} of them filled"
    facts["images per text"] = images_per_text(tensors)
    facts["teacher"] = "yes" if any(name.startswith(TEACHER) for name in tensors) else "no"
    return facts


def _parts(tensors: Mapping[str, Tensor]) -> dict[str, Part]:
    """Tensors of a `Pretrainer`, counted by the part they are of."""
    found: dict[str, list[Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(STUDENT):
            words = name.removeprefix(STUDENT).split(".")
            part = ".".join(words[: 2 if words[0] == "heads" else 1])
        else:
            part = name.split(".")[0]
        found.setdefault(part, []).append(tensor)
    return {
        part: Part(len(each), sum(tensor.numel() for tensor in each))
        for part, each in sorted(found.items(), key=_order)
    }


def _order(part: tuple[str, object]) -> tuple[bool, bool, str]:
    name = part[0]
    return name in ("teacher", "space"), name.startswith("heads."), name


def _fusion(groups: int, images: int) -> str:
    if images == 1:
        return f"{groups} layers"
    return f"{groups} groups of {images} layers, one for each image"


def _kind(path: Path, directory: RunDirectory) -> str:
    if (path / CONFIG).is_file():
        return "model saved for others"
    return "run" if path == directory.path else "checkpoint of a run"


def _belongs(folder: Path) -> bool:
    """Whether a folder with tensors is a checkpoint of a run or a saved model."""
    run = RunDirectory(folder.parent.parent)
    return (folder / CONFIG).is_file() or ((folder / META).is_file() and run.resolved.is_file())


def _images_seen(stored: Stored) -> int | str:
    train, processes = stored.recipe.settings.train, stored.provenance.get("processes")
    if stored.step is None or processes is None:
        return UNTOLD
    return stored.step * train.batch_size * train.accumulate * processes


def _data(stored: Stored) -> str:
    data = stored.provenance.get("data", {})
    name, fingerprint = stored.recipe.settings.data.name, data.get("train")
    return f"{name}, fingerprint {fingerprint}" if fingerprint else name
