"""The manifest of a run: everything one would have to know to run it again."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from albefkit.distributed import World
from albefkit.engine.devices import main_memory
from albefkit.engine.precision import Precision
from albefkit.recipe.spec import ComponentSpec

DISTRIBUTIONS = (
    "albefkit",
    "torch",
    "torchvision",
    "timm",
    "transformers",
    "open_clip_torch",
    "tokenizers",
    "safetensors",
    "numpy",
    "pillow",
)


def environment(precision: Precision, world: World) -> dict[str, Any]:
    """Versions and hardware."""
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": {name: _version(name) for name in DISTRIBUTIONS},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "git": _git_commit(Path(__file__).parent),
        "precision": precision.name,
        "processes": world.size,
        "hardware": {
            "device": precision.device.type,
            "gpu": torch.cuda.get_device_name(precision.device)
            if precision.device.type == "cuda"
            else None,
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "memory": main_memory(),
        },
    }


def component_list(components: Iterable[ComponentSpec]) -> list[dict[str, str]]:
    """Who provides each component."""
    return [
        {
            "path": spec.path,
            "kind": spec.kind,
            "type": spec.name,
            "distribution": spec.entry.distribution,
            "version": spec.entry.version,
            "class": spec.entry.value,
        }
        for spec in components
    ]


def load_reports(parts: Mapping[str, object | None]) -> dict[str, Any]:
    """What became of pretrained weights, for each part that can have any."""
    reports = {name: getattr(part, "load_report", None) for name, part in parts.items()}
    return {
        name: {"pretrained": report.pretrained, **report.as_dict()}
        for name, report in reports.items()
        if report is not None
    }


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _git_commit(folder: Path) -> str | None:
    """The commit of the checkout that this code runs from, with `-dirty` if it was changed."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
