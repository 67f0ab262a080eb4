"""An error as people see it: a panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys

from albefkit.registry.errors import AlbefkitError, Interrupted, Problem


def show(error: AlbefkitError) -> None:
    """Write an error to stderr."""
    if not sys.stderr.isatty():
        print(f"albefkit: {title(error)}\n{error}", file=sys.stderr)
        return
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    lines = Text("\n").join(_styled(problem) for problem in error.problems)
    style = "yellow" if isinstance(error, Interrupted) else "red"
    panel = Panel(lines, title=title(error), title_align="left", border_style=style)
    Console(stderr=True).print(panel)


def title(error: AlbefkitError) -> str:
    """What kind of trouble it is, in a few words."""
    if isinstance(error, Interrupted):
        return "stopped"
    number = len(error.problems)
    return "there is a problem" if number == 1 else f"there are {number} problems"


def _styled(problem: Problem):
    from rich.text import Text

    head, _, rest = str(problem).partition("\n")
    if not (problem.where or problem.path):
        return Text(str(problem))
    return Text.assemble((head, "bold"), "\n", rest)
