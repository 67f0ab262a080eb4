"""A table as LaTeX with booktabs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from albefkit.report.table import Table
from albefkit.report.wording import MINUS, NONE

SPECIAL = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        **{character: f"{{{character}}}" for character in "[]*"},  # would belong to a `\\\\` before
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        MINUS: r"$-$",
        "±": r"$\pm$",
        "Δ": r"$\Delta$",
        NONE: "--",
        "…": r"\ldots{}",
    }
)

HEAD = "% Needs \\usepackage{booktabs} and \\usepackage{graphicx}."


def to_latex(table: Table) -> str:
    """A floating table as wide as the line, its notes below it."""
    return "\n".join(_lines(table)) + "\n"


def escape(text: str) -> str:
    """Text that stands for itself."""
    return " ".join(text.split()).translate(SPECIAL)


def _lines(table: Table) -> Iterator[str]:
    yield HEAD
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{escape(table.title)}}}"
    yield r"\resizebox{\linewidth}{!}{%"
    yield rf"\begin{{tabular}}{{{''.join(column.align[0] for column in table.columns)}}}"
    yield r"\toprule"
    yield from _bands(table)
    yield _line([column.heading for column in table.columns])
    for section in table.sections:
        yield r"\midrule"
        if section.title:
            title = rf"\emph{{{escape(section.title)}}}"
            yield rf"\multicolumn{{{len(table.columns)}}}{{l}}{{{title}}} \\"
        yield from (_line(line.cells) for line in section.lines)
    yield r"\bottomrule"
    yield r"\end{tabular}%"
    yield "}"
    yield ""
    yield r"\smallskip"
    yield rf"\parbox{{\linewidth}}{{\footnotesize {' '.join(escape(n) for n in table.notes)}}}"
    yield r"\end{table}"


def _bands(table: Table) -> Iterator[str]:
    """What columns have in common, above them, and a rule below it."""
    cells, rules = [""], []
    for band, columns in table.bands():
        shared = bool(table.columns[columns[0]].band)
        text = escape(band) if shared else ""
        cells.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{text}}}")
        if shared:
            rules.append(rf"\cmidrule(lr){{{columns[0] + 1}-{columns[-1] + 1}}}")
    yield f"{' & '.join(cells)} \\\\"
    yield "".join(rules)


def _line(cells: Sequence[str]) -> str:
    return f"{' & '.join(escape(cell) for cell in cells)} \\\\"
