"""`albefkit components`: what a recipe can name, and who provides it.

Only `--problems` imports components, those of others: whether they can be is what it is asked.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from albefkit.registry.entry import Entry
    from albefkit.registry.installed import Foreign


def complete_kind(incomplete: str) -> list[str]:
    """The kinds that a word may become."""
    from albefkit.registry.kinds import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def _complete_name(context: typer.Context, incomplete: str) -> list[str]:
    from albefkit.registry.catalogue import by_kind
    from albefkit.registry.kinds import KINDS

    kind = str(context.params.get("kind"))
    return [name for name in by_kind(kind) if name.startswith(incomplete)] if kind in KINDS else []


def command(
    kind: Annotated[
        str | None,
        typer.Argument(help="Only this kind.", autocompletion=complete_kind, show_default=False),
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(help="All about one.", autocompletion=_complete_name, show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only what is wrong; exit code 1 if anything is.")
    ] = False,
) -> None:
    """List the components that recipes can name, or show one."""
    if problems:
        _show_problems(as_json)
    elif kind is not None and name is not None:
        _show_one(kind, name, as_json)
    else:
        _show_all(kind, as_json)


def _show_all(kind: str | None, as_json: bool) -> None:
    from albefkit.registry.catalogue import entries, shown_name, summary, trouble
    from albefkit.registry.unseen import incompatible

    foreign = _foreign(kind)
    if as_json:
        records = [_record(entry) for entry in entries(kind)]
        _print_json(records + [_foreign_record(each) for each in foreign])
        return
    rows: list[tuple[str, ...]] = []
    for entry in entries(kind):
        wrong = trouble(entry)
        words = f"✗ {wrong.message}" if wrong else summary(entry) or "—"
        rows.append((entry.kind, shown_name(entry), entry.provider, words))
    _print_table(("kind", "name", "provider", "summary"), rows)
    for each in foreign:
        typer.echo(f"✗ {incompatible(each).message}")


def _show_one(kind: str, name: str, as_json: bool) -> None:
    from albefkit.registry.catalogue import find
    from albefkit.registry.source import describe

    entry = find(kind, name)
    if as_json:
        _print_json(_record(entry, full=True))
        return
    typer.echo(f"{entry.kind} {entry.name}   {entry.provider}")
    about = describe(entry)
    if about is None:
        typer.echo(f"its source cannot be read: {entry.value}")
        return
    typer.echo(f"{about.file}:{about.line}\n\n{about.doc or '—'}\n")
    rows = [
        (each.name, each.type, "required" if each.default is None else each.default, each.meaning)
        for each in about.parameters
    ]
    _print_table(("parameter", "type", "default", "meaning"), rows)
    if about.ablations:
        typer.echo("")
        _print_table(("ablation", "meaning"), list(about.ablations.items()))


def _show_problems(as_json: bool) -> None:
    from albefkit.registry.problems import problems

    found = problems(importing=True)
    if as_json:
        _print_json([asdict(trouble) for trouble in found])
    else:
        typer.echo("\n".join(str(trouble) for trouble in found) or "no problems")
    if found:
        raise typer.Exit(1)


def _foreign(kind: str | None) -> list[Foreign]:
    from albefkit.registry.installed import installed

    return [each for each in installed().foreign if kind in (None, each.entry.kind)]


def _foreign_record(foreign: Foreign) -> dict[str, Any]:
    from albefkit.registry.unseen import incompatible

    entry = foreign.entry
    return {
        "kind": entry.kind,
        "name": entry.full_name,
        "distribution": entry.distribution,
        "version": entry.version,
        "class": entry.value,
        "summary": None,
        "problem": incompatible(foreign).message,
    }


def _record(entry: Entry, full: bool = False) -> dict[str, Any]:
    from albefkit.registry.catalogue import shown_name, summary, trouble
    from albefkit.registry.source import describe

    wrong = trouble(entry)
    record = {
        "kind": entry.kind,
        "name": shown_name(entry),
        "distribution": entry.distribution,
        "version": entry.version,
        "class": entry.value,
        "summary": summary(entry),
        "problem": wrong.message if wrong else None,
    }
    about = describe(entry) if full else None
    if about is not None:
        record["doc"] = about.doc
        record["parameters"] = [asdict(each) for each in about.parameters]
        record["ablations"] = about.ablations
        record["source"] = f"{about.file}:{about.line}"
    return record


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(header: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    """A table: wrapped and coloured on a terminal, one line per row elsewhere."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*header, box=None, header_style="bold", padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*(Text(cell, overflow="fold") for cell in row))
        Console().print(table)
        return
    widths = [max(len(row[i]) for row in [tuple(header), *rows]) for i in range(len(header))]
    for row in [tuple(header), *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
