"""`albefkit inspect`: what is this checkpoint?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from albefkit.models.inspecting import Inspection

SHOWN = 10
"""So many names of one kind are listed."""


def command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A released checkpoint, a run's folder, one of its checkpoints, a saved model.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Say what a checkpoint is, what is missing in it, and what its weights started from."""
    from albefkit.models.inspecting import inspect

    found = inspect(file)
    if as_json:
        import json

        typer.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
        return
    typer.secho(f"{found.path}: {found.what}", bold=True)
    for line in _lines(found):
        typer.echo(f"  {line}")


def _lines(found: Inspection) -> Iterable[str]:
    wide = max(map(len, [*found.facts, *found.parts]))
    for name, value in found.facts.items():
        yield f"{name:{wide}}  {_words(value)}"
    yield ""
    for name, part in found.parts.items():
        yield f"{name:{wide}}  {part.parameters:>13,} parameters in {part.tensors} tensors"
    for what, names in (("missing", found.missing), ("unknown", found.unknown)):
        yield ""
        number = "cannot be told" if names is None else len(names) or "nothing"
        yield f"{what}: {number}"
        yield from _some(names or ())
    for part, report in found.load_reports.items():
        yield ""
        yield from _report(part, report)


def _report(part: str, report: Mapping[str, Any]) -> Iterable[str]:
    """What became of the weights that a part started from."""
    if not report["pretrained"]:
        reason = f": {report['reason']}" if report["reason"] else ""
        yield f"load report of {part}: random weights{reason}"
        return
    fates = {name: notes for name, notes in report.items() if isinstance(notes, Mapping)}
    counts = [
        f"{report['loaded']} loaded",
        *(f"{len(each)} {name}" for name, each in fates.items()),
    ]
    yield f"load report of {part}: {report['source']}: {', '.join(counts)}"
    for fate, notes in fates.items():
        if fate != "renamed":
            yield from _some(f"{fate} {name} ({note})" for name, note in notes.items())


def _some(names: Iterable[str]) -> Iterable[str]:
    listed = list(names)
    yield from (f"  {name}" for name in listed[:SHOWN])
    if len(listed) > SHOWN:
        yield f"  and {len(listed) - SHOWN} more"


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
