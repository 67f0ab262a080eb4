"""Numbers as people say them."""

from __future__ import annotations

from albefkit.engine.records import Record
from albefkit.evaluation.base import Result


def duration(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `3.5 hours`, `37 days`."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = seconds / length
        if count >= 2 or (unit != "day" and count >= 1):
            shown = f"{count:.1f}".removesuffix(".0") if count < 10 else f"{count:.0f}"
            return f"{shown} {unit}{'' if shown == '1' else 's'}"
    return f"{max(1, round(seconds))} second{'' if round(seconds) <= 1 else 's'}"


def amount(size: float) -> str:
    """Bytes as `850 MB` or `1.2 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


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
    shown.append(amount(record.memory))
    shown.append(f"{duration(record.seconds_left)} left")
    return " · ".join(shown)


def result_line(name: str, result: Result) -> str:
    """An evaluation in one line of plain text."""
    figures = [f"{metric} {value:.1f}" for metric, value in result.metrics.items()]
    return f"{name} on {result.split}: " + " · ".join(figures)
