"""Distributions made on the spot: a folder with `.dist-info`, as pip would leave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent


def install(
    site: Path,
    name: str,
    version: str = "1.0",
    *,
    points: Mapping[str, Mapping[str, str]] | str = "",
    modules: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
) -> None:
    """Leave a distribution in `site`.

    Args:
        site: the folder; put it on `sys.path` afterwards.
        name: the distribution's name.
        version: its version.
        points: entry points, group -> name -> value; or the text of entry_points.txt.
        modules: path of a file -> its text.
        requires: what it depends on.
    """
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {each}\n" for each in requires)
    (info / "METADATA").write_text(metadata)
    if not isinstance(points, str):
        lines = [
            line
            for group, names in points.items()
            for line in (f"[{group}]", *(f"{key} = {value}" for key, value in names.items()))
        ]
        points = "\n".join(lines)
    (info / "entry_points.txt").write_text(points)
    for path, text in (modules or {}).items():
        file = site / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
