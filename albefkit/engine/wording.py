"""What a run tells about itself, in lines of plain text."""

from __future__ import annotations

from albefkit.engine.records import Record
from albefkit.evaluation.base import Result
from albefkit.quantities import duration, size


def percent(share: float) -> str:
    """A share of one."""
    return f"{100 * share:.0f} %"


def losses(record: Record) -> list[tuple[str, str, str]]:
    """Name, loss and chance floor of each objective."""
    return [
        (name, f"{loss:.3f}", f"{record.floors[name]:.3f}" if name in record.floors else "")
        for name, loss in record.losses.items()
    ]


def record_line(record: Record, total_steps: int) -> str:
    """A record in one line of plain text."""
    shown = [f"step {record.step}/{total_steps}", f"epoch {record.epoch:.2f}"]
    for name, loss, floor in losses(record):
        shown.append(f"{name} {loss} (chance {floor})" if floor else f"{name} {loss}")
    shown.append(f"lr {record.lr:.2e}")
    if "temperature" in record.metrics:
        shown.append(f"temperature {record.metrics['temperature']:.4f}")
    shown.append(f"{record.images_per_second:.0f} images/s")
    shown.append(f"data wait {percent(record.data_wait)}")
    shown.append(size(record.memory))
    if record.seconds_left > 0:
        shown.append(f"{duration(record.seconds_left)} left")
    return " · ".join(shown)


def result_line(name: str, result: Result) -> str:
    """An evaluation in one line of plain text."""
    figures = [f"{metric} {value:.1f}" for metric, value in result.metrics.items()]
    return f"{name} on {result.split}: " + " · ".join(figures)
