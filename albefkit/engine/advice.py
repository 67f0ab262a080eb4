"""Warnings in words: what figures mean to somebody who has trained such models before."""

from __future__ import annotations

from collections.abc import Iterator

from albefkit.engine.records import Record

AT_FLOOR = 0.01
"""How near to its chance floor a loss says nothing, as a share of the floor."""
PATIENCE_STEPS = 300
PATIENCE_SHARE = 0.25
WAITING = 0.3
LOOKS = 3
"""Records in a row before something counts as lasting."""


class Adviser:
    """Looks at every record and says what lasts too long.

    Args:
        total_steps: optimizer steps planned.
        temperature_range: where the temperature is kept, or None.
    """

    def __init__(
        self, total_steps: int, temperature_range: tuple[float, float] | None = None
    ) -> None:
        self._patience = max(PATIENCE_STEPS, round(PATIENCE_SHARE * total_steps))
        self._range = temperature_range
        self._learned: dict[str, int] = {}
        self._in_a_row: dict[str, int] = {}

    def look(self, record: Record) -> list[str]:
        """Sentences, the same ones for the same reasons, so that each is said once."""
        return [
            *self._floors(record),
            *self._temperature(record),
            *self._data(record),
            *self._nothing(record),
        ]

    def _floors(self, record: Record) -> Iterator[str]:
        for name, loss in record.losses.items():
            floor = record.floors.get(name)
            if floor is None or loss < floor * (1 - AT_FLOOR):
                self._learned[name] = record.step
            elif record.step - self._learned.setdefault(name, 0) >= self._patience:
                yield (
                    f"{name} has stayed at its chance floor (about {floor:.3g} nats) for "
                    f"{self._patience} steps: guessing by the prior does as well. It may need more "
                    "steps, another learning rate, or easier negatives to begin with."
                )

    def _temperature(self, record: Record) -> Iterator[str]:
        value = record.metrics.get("temperature")
        if value is None or self._range is None:
            return
        for bound, end in zip(("lower", "upper"), self._range, strict=True):
            if self._lasts(f"temperature.{bound}", abs(value - end) <= 1e-3 * end):
                yield (
                    f"the temperature is at the {bound} end of its range ({end:g}) and cannot move "
                    "further: alignment.temperature_range or the learning rate may be wrong."
                )

    def _data(self, record: Record) -> Iterator[str]:
        if self._lasts("data", record.data_wait > WAITING):
            yield (
                f"more than {WAITING:.0%} of the time is spent waiting for data: more "
                "train.workers, smaller images or a faster disk would speed training up."
            )

        if record.skipped:
            yield (
                "some training items cannot be read and are replaced by others (see pace.skipped "
                "in metrics.jsonl); `albefkit data check` names them."
            )

    def _nothing(self, record: Record) -> Iterator[str]:
        for metric, value in record.metrics.items():
            name, _, what = metric.rpartition(".")
            if what == "skipped" and value > 0:
                yield (
                    f"{name} had rows without a legal negative and left them out (see {metric}): "
                    "batches are small, or full of the same images or words."
                )
            if what == "rows" and self._lasts(metric, value == 0):
                yield (
                    f"{name} found nothing to predict in {LOOKS} records on end (nothing masked?): "
                    "texts are very short, or its probability is very low."
                )

    def _lasts(self, reason: str, holds: bool) -> bool:
        self._in_a_row[reason] = self._in_a_row.get(reason, 0) + 1 if holds else 0
        return self._in_a_row[reason] >= LOOKS
