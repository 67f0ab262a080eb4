"""Where things are written: can they be, how large are they, how much room is left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from albefkit.doctor.finding import Finding, Status
from albefkit.quantities import size

LITTLE = 10 << 30
"""Less room than this is worth a word: a checkpoint of albef_base takes about 3 GiB."""

TOO_LITTLE = 1 << 30


def folders() -> Iterator[Finding]:
    """The cache, the weights of the hub, the runs, and the disks they are on."""
    import huggingface_hub.constants

    from albefkit.data.scenes.pictures import cache_folder
    from albefkit.engine.run_directory import runs_folder

    places = {
        "cache": (cache_folder(), "ALBEFKIT_HOME"),
        "weights": (Path(huggingface_hub.constants.HF_HUB_CACHE), "HF_HOME"),
        "runs": (runs_folder(), "ALBEFKIT_RUNS"),
    }
    for about, (folder, variable) in places.items():
        # Without its caches albefkit works, if slower; without runs there is nothing to do.
        yield _folder(about, folder, variable, "problem" if about == "runs" else "warning")
    yield from _disks({about: folder for about, (folder, _) in places.items()})


def _folder(about: str, folder: Path, variable: str, otherwise: Status) -> Finding:
    reason = _unwritable(folder)
    if reason is not None:
        advice = f"set {variable} to a folder that can be written to"
        return Finding(about, otherwise, f"{folder} cannot be written to: {reason}", advice)
    found = size(_bytes(folder)) if folder.exists() else "not there yet"
    return Finding(about, "ok", f"{folder.absolute()}: {found} ({variable} names another)")


def _disks(places: dict[str, Path]) -> Iterator[Finding]:
    """Room on each disk, once."""
    disks: dict[int, list[str]] = {}
    for about, folder in places.items():
        disks.setdefault(_nearest(folder).stat().st_dev, []).append(about)
    for names in disks.values():
        free = shutil.disk_usage(_nearest(places[names[0]])).free
        found = f"{size(free)} free for {', '.join(names)}"
        if free >= LITTLE:
            yield Finding("disk", "ok", found)
            continue
        advice = "make room; train.keep_checkpoints says how many checkpoints a run keeps"
        yield Finding("disk", "problem" if free < TOO_LITTLE else "warning", found, advice)


def _unwritable(folder: Path) -> str | None:
    """Why nothing can be written into a folder, or into the one it would be made in."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest thing above it that exists."""
    here = folder.absolute()
    return next(each for each in (here, *here.parents) if each.exists())


def _bytes(folder: Path) -> int:
    """What the files in a folder take; those that vanish meanwhile take nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(where, name).lstat().st_size
            except OSError:
                continue
    return total
