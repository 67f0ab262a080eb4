"""Listeners that write: metrics for machines, a log for people, events for TensorBoard."""

from __future__ import annotations

import json
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from albefkit.engine.files import write_text
from albefkit.engine.records import Listener, Plan, Record
from albefkit.engine.wording import record_line, result_line
from albefkit.evaluation.base import Result
from albefkit.registry.errors import ComponentError


class MetricsFile(Listener):
    """`metrics.jsonl`: one JSON object per line, the truth that everything else shows.

    Args:
        path: the file; lines after the step that a resumed run starts from are dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, plan: Plan) -> None:
        """Forget what the run did after the checkpoint it goes on from."""
        if not self._path.exists():
            return
        lines = self._path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if _step_of(line) <= plan.first_step]
        write_text(self._path, "".join(line + "\n" for line in kept))

    def record(self, record: Record) -> None:
        """One line of averages."""
        self._write(record.as_dict())

    def result(self, name: str, step: int, result: Result) -> None:
        """One line of an evaluation."""
        found = {"metrics": result.metrics, "bounds": result.bounds}
        self._write({"step": step, "evaluation": name, "split": result.split, **found})

    def _write(self, value: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")


def _step_of(line: str) -> float:
    """The step of a line; a line that was cut off by a crash counts as too late."""
    try:
        return json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return float("inf")


class LogFile(Listener):
    """`log.txt`: what a person would have seen, with the time of day.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._total = 0

    def begin(self, plan: Plan) -> None:
        """Say what begins."""
        self._total = plan.total_steps
        self._write(f"{plan.title}: step {plan.first_step} of {plan.total_steps}")

    def record(self, record: Record) -> None:
        """One line of averages."""
        self._write(record_line(record, self._total))

    def note(self, text: str) -> None:
        """A line."""
        self._write(text)

    def warn(self, text: str) -> None:
        """A line that stands out."""
        self._write(f"WARNING {text}")

    def result(self, name: str, step: int, result: Result) -> None:
        """One line of an evaluation."""
        self._write(result_line(name, result))

    def _write(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")


class TensorBoard(Listener):
    """A view of the metrics for TensorBoard (extra `tensorboard`).

    Args:
        folder: where events go.
    """

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    @staticmethod
    def require() -> None:
        """Make sure early that there is a TensorBoard to write for.

        Raises:
            ComponentError: it is not installed.
        """
        if find_spec("tensorboard") is None:
            message = 'TensorBoard is not installed: python -m pip install "albefkit[tensorboard]"'
            raise ComponentError(message)

    def record(self, record: Record) -> None:
        """Curves, losses beside their chance floors."""
        scalars = {"lr": record.lr, "pace/images_per_second": record.images_per_second}
        scalars["pace/data_wait"] = record.data_wait
        for name, loss in record.losses.items():
            scalars[f"loss/{name}"] = loss
            if name in record.floors:
                scalars[f"chance/{name}"] = record.floors[name]
        scalars |= {f"bound/{name}": value for name, value in record.bounds.items()}
        scalars |= {f"metrics/{name}": value for name, value in record.metrics.items()}
        for tag, value in scalars.items():
            self._writer.add_scalar(tag, value, record.step)

    def result(self, name: str, step: int, result: Result) -> None:
        """Recalls and the like."""
        for metric, value in result.metrics.items():
            self._writer.add_scalar(f"{name}.{result.split}/{metric}", value, step)

    def end(self) -> None:
        """Write what is left."""
        self._writer.close()
