"""A table for a terminal; where it is too wide for one, a table for each band of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as RichTable
from rich.text import Text

from albefkit.report.table import FAILED, Column, Line, Mark, Table
from albefkit.report.wording import NONE

STYLES: dict[Mark, str] = {"plain": "", "clear": "bold", "unclear": "", "failed": "red"}

LONGEST = 24
"""Characters of a name that is not folded."""

BESIDE = 3
"""What lies between two columns: a rule and two spaces."""


@dataclass(frozen=True)
class TableOnTerminal:
    """What `Console.print` takes.

    Args:
        table: what to show.
    """

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As one table where the terminal is wide enough; what failed is said below it."""
        for columns in _packed(self.table, options.max_width - 1):
            bands = [name for name, some in self.table.bands() if set(some) & set(columns)]
            yield _part(self.table, columns, f"{self.table.title}: {', '.join(bands)}")
        for section in self.table.sections:
            for line in section.lines:
                if FAILED in self.table.headings and line.cells[-1] != NONE:
                    who = ", ".join(part for part in (line.cells[0], section.title) if part)
                    yield Text(f"{who}: failed in {line.cells[-1]}", style="red")
        for note in self.table.notes:
            yield Text(note, style="dim")


def to_rich(table: Table) -> TableOnTerminal:
    """The table for `Console.print`, as wide as it may be."""
    return TableOnTerminal(table)


def _packed(table: Table, room: int) -> list[list[int]]:
    """The columns of each part: as many bands as there is room for, and of a wider one a piece."""
    widths = [_width(table, index) for index in range(len(table.columns))]
    whole = min(widths[0], LONGEST + BESIDE)  # a part has room for that much of a name
    parts: list[list[int]] = [[0]]

    def fits(columns: Sequence[int]) -> bool:
        return whole + sum(widths[index] for index in columns if index) <= room

    for name, columns in table.bands():
        pieces = [columns] if fits(columns) else [[index] for index in columns]
        for piece in pieces if name != FAILED else []:
            if fits([*parts[-1], *piece]) or parts[-1] == [0]:
                parts[-1] += piece
            else:
                parts.append([0, *piece])
    return parts


def _width(table: Table, index: int) -> int:
    cells = [line.cells[index] for section in table.sections for line in section.lines]
    titles = [section.title for section in table.sections] if index == 0 else []
    lines = [*_heading(table.columns[index]).splitlines(), *cells, *titles]
    return max(map(cell_len, lines)) + BESIDE


def _heading(column: Column) -> str:
    """Above figures, on two lines where it has several words."""
    return "\n".join(column.heading.rsplit(" ", 1)) if column.align == "right" else column.heading


def _part(table: Table, columns: Sequence[int], title: str) -> RichTable:
    """Names and other words are folded where there is no room; figures never are."""
    shown = RichTable(title=Text(title, style="bold"), title_justify="left")
    for index in columns:
        column = table.columns[index]
        heading = Text(_heading(column))
        no_wrap = column.align == "right"
        shown.add_column(heading, justify=column.align, overflow="fold", no_wrap=no_wrap)
    for section in table.sections:
        shown.add_section()
        if section.title:
            shown.add_row(Text(section.title, style="italic"))
        for line in section.lines:
            shown.add_row(*_cells(line, columns))
    return shown


def _cells(line: Line, columns: Sequence[int]) -> list[Text]:
    """Names keep to themselves: what is in brackets is not taken for a style."""
    return [Text(line.cells[index], style=STYLES[line.mark]) for index in columns]
