"""Listeners that show: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from albefkit.engine.records import Listener, Plan, Record
from albefkit.engine.wording import losses, percent, record_line, result_line
from albefkit.evaluation.base import Result
from albefkit.quantities import duration, size

PLAIN_LINES = 60
"""About how many lines a whole run takes where nothing can be overwritten."""

PATIENCE = 20.0
"""Seconds without a word that people bear."""


def make_display(console: Console) -> Listener:
    """What suits the console."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


class PlainDisplay(Listener):
    """A line now and then, for files and logs.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._plan = Plan("", 1)
        self._next = 0
        self._what, self._began, self._said = "", 0.0, 0.0

    def begin(self, plan: Plan) -> None:
        """Say what begins."""
        self._plan = plan
        self._say(f"{plan.title}: step {plan.first_step} of {plan.total_steps}")

    def record(self, record: Record) -> None:
        """A line, unless the last one is too recent."""
        total = self._plan.total_steps
        if record.step >= self._next or record.step == total:
            self._next = record.step + total // PLAIN_LINES
            self._say(record_line(record, total))

    def note(self, text: str) -> None:
        """A line."""
        self._say(text)

    def warn(self, text: str) -> None:
        """A line that stands out."""
        self._say(f"warning: {text}")

    def progress(self, what: str, done: int, total: int) -> None:
        """A line now and then, if it takes long."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._said = what, now, now
        elif now - self._said >= PATIENCE and done < total:
            self._said = now
            left = (now - self._began) * (total - done) / done
            self._say(f"{what}: {done} of {total}, about {duration(left)} left")

    def result(self, name: str, step: int, result: Result) -> None:
        """A line of figures."""
        self._say(result_line(name, result))

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveDisplay(Listener):
    """A bar and a table that change in place; notes and warnings scroll by above them.

    Args:
        console: a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self._task: TaskID | None = None
        self._examining: TaskID | None = None
        self._live: Live | None = None

    def begin(self, plan: Plan) -> None:
        """Start the display."""
        self._task = self._bar.add_task(
            plan.title, total=plan.total_steps, completed=plan.first_step, left=""
        )
        self._live = Live(self._bar, console=self._console, refresh_per_second=4)
        self._live.start()

    def step(self, done: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.update(self._task, completed=done)

    def record(self, record: Record) -> None:
        """New figures."""
        if self._live is None or self._task is None:
            return
        self._bar.update(self._task, left=_left(record))
        self._live.update(Group(self._bar, losses_table(record), _foot(record)))

    def note(self, text: str) -> None:
        """A line above the table."""
        self._console.print(Text(text))

    def warn(self, text: str) -> None:
        """A line that stands out."""
        self._console.print(Text.assemble(("warning: ", "bold yellow"), text))

    def progress(self, what: str, done: int, total: int) -> None:
        """A second bar."""
        if self._examining is None:
            self._examining = self._bar.add_task(what, left="")
        self._bar.update(self._examining, description=what, completed=done, total=total)

    def result(self, name: str, step: int, result: Result) -> None:
        """A line of figures, and the second bar goes."""
        if self._examining is not None:
            self._bar.remove_task(self._examining)
            self._examining = None
        self._console.print(Text(result_line(name, result)))

    def end(self) -> None:
        """Leave the last state on the screen."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def losses_table(record: Record) -> Table:
    """Each loss beside its chance floor, and what it says about mutual information."""
    table = Table(box=None, pad_edge=False)
    table.add_column("objective")
    for heading in ("loss", "chance", "accuracy", "information"):
        table.add_column(heading, justify="right")
    for name, loss, floor in losses(record):
        accuracy = record.metrics.get(f"{name}.accuracy")
        bound = record.bounds.get(name)
        table.add_row(
            name,
            loss,
            floor,
            "" if accuracy is None else percent(accuracy),
            "" if bound is None else f"> {bound:.2f} nats",
        )
    return table


def _left(record: Record) -> str:
    return f"{duration(record.seconds_left)} left" if record.seconds_left > 0 else ""


def _foot(record: Record) -> Text:
    parts = [f"epoch {record.epoch:.2f}", f"lr {record.lr:.2e}"]
    if "temperature" in record.metrics:
        parts.append(f"temperature {record.metrics['temperature']:.4f}")
    parts += [
        f"{record.images_per_second:.0f} images/s",
        f"data wait {percent(record.data_wait)}",
        size(record.memory),
    ]
    return Text(" · ".join(parts), style="dim")


def results_table(results: dict[str, Result]) -> Table:
    """Final figures beside what guessing gives."""
    table = Table(title="results", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("chance", justify="right")
    for name, result in results.items():
        for metric, value in result.metrics.items():
            chance = result.chance.get(metric)
            shown = "" if chance is None else f"{chance:.1f}"
            table.add_row(f"{name}.{metric}", f"{value:.1f}", shown)
        for bound, value in result.bounds.items():
            table.add_row(f"{name}.{bound} (nats, at least)", f"{value:.2f}", "0.00")
    return table
