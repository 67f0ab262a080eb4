"""A table as Markdown, as GitHub and most others read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from albefkit.report.table import Column, Table

SPECIAL = str.maketrans(
    {
        **{character: f"\\{character}" for character in "\\`*_[]|~$#"},
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
    }
)


def to_markdown(table: Table) -> str:
    """The table, one for each point of a sweep, and its notes below."""
    return "\n".join(_lines(table)) + "\n"


def escape(text: str) -> str:
    """Text that stands for itself in one cell."""
    return " ".join(text.split()).translate(SPECIAL)


def _lines(table: Table) -> Iterator[str]:
    yield from (f"**{escape(table.title)}**", "")
    for section in table.sections:
        if section.title:
            yield from (f"*{escape(section.title)}*", "")
        yield _line([column.heading for column in table.columns])
        yield f"|{'|'.join(_rule(column) for column in table.columns)}|"
        yield from (_line(line.cells) for line in section.lines)
        yield ""
    yield from (f"- {escape(note)}" for note in table.notes)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(escape(cell) for cell in cells)} |"


def _rule(column: Column) -> str:
    return "---:" if column.align == "right" else ":---"
