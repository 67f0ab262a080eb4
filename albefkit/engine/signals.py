"""Ctrl-C and SIGTERM: finish the step, save, and leave."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from albefkit.registry.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Remembers that somebody wants this process to stop.

    The first signal is only noted, and looked at between steps; the second one aborts. Signals
    reach the main thread only: elsewhere nothing is changed.

    Args:
        tell: what to call with a sentence when the first signal arrives.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self.requested = False
        self._tell = tell
        self._at_once = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._received)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()

    @contextmanager
    def nothing_to_save(self) -> Iterator[None]:
        """A stretch of work that may be cut short at once, as everything is saved already."""
        if self.requested:
            raise Interrupted("stopped from outside")
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _received(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.requested:
            raise KeyboardInterrupt(f"{name}, for the second time")
        self.requested = True
        if self._at_once:
            raise Interrupted(f"stopped by {name}")
        if self._tell:
            self._tell(f"{name}: finishing this step and saving; once more aborts")
