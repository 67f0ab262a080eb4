"""Contenders take turns, each in a process of its own.

Whatever else the machine does then hits all of them, none sees the caches or the memory of another,
and the most memory that a process took is that of its contender.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from albefkit.bench.work import Contender
from albefkit.registry.errors import AlbefkitError, AlbefkitWarning, ComponentError


@dataclass
class Timing:
    """What was measured of one contender.

    Args:
        name: of the contender.
        precision: which numbers it computes with.
        samples: per turn.
        flops: floating-point operations of a turn, there and back.
        peak_memory: the most memory that its process took, in bytes; on a GPU, of the GPU.
        seconds: of each turn.
        phases: seconds of each turn by phase.
    """

    name: str
    precision: str
    samples: int
    flops: int = 0
    peak_memory: int = 0
    seconds: list[float] = field(default_factory=list)
    phases: list[dict[str, float]] = field(default_factory=list)


def race(
    contenders: Sequence[Contender],
    rounds: int,
    warmup: int,
    progress: Callable[[str], None],
) -> list[Timing]:
    """Let contenders take turns.

    Args:
        contenders: who; each is prepared first, so that all are there from the first turn on.
        rounds: timed turns of each.
        warmup: turns of each before them, at least 1: the first counts operations.
        progress: told what happens.

    Raises:
        AlbefkitError: a contender cannot be prepared.
        ComponentError: a contender's process died.
    """
    lanes: list[_Lane] = []
    try:
        for contender in contenders:
            progress(f"{contender.name}: gets ready")
            lanes.append(_Lane(contender))
        for lane in lanes:
            progress(f"{lane.timing.name}: counts operations")
            lane.count()
        for number in range(1, warmup + rounds):
            progress(f"round {number} of {warmup + rounds - 1}")
            for lane in lanes:
                lane.turn(counts=number >= warmup)
        for lane in lanes:
            lane.finish()
    finally:
        for lane in lanes:
            lane.close()
    return [lane.timing for lane in lanes]


class _Lane:
    """A contender's process, seen from outside."""

    def __init__(self, contender: Contender) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, contender), daemon=True)
        self._name = contender.name
        self._process.start()
        theirs.close()
        try:
            precision, samples = self._answer()
        except BaseException:
            self.close()
            raise
        self.timing = Timing(contender.name, precision, samples)

    def turn(self, counts: bool) -> None:
        seconds, phases = self._ask("turn")
        if counts:
            self.timing.seconds.append(seconds)
            self.timing.phases.append(phases)

    def count(self) -> None:
        self.timing.flops = self._ask("count")

    def finish(self) -> None:
        self.timing.peak_memory = self._ask("finish")

    def close(self) -> None:
        self._connection.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.terminate()

    def _ask(self, question: str) -> Any:
        self._connection.send(question)
        return self._answer()

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except EOFError:
            self._process.join()
            raise ComponentError(
                f"{self._name}: its process died with exit code {self._process.exitcode}; perhaps "
                "the memory does not hold all contenders at once"
            ) from None
        if isinstance(answer, AlbefkitError):
            raise answer
        return answer


def _serve(connection: Connection, contender: Contender) -> None:
    """The contender's process: one turn whenever it is asked for one."""
    from torch.utils.flop_counter import FlopCounterMode

    from albefkit.engine.compiling import uncompiled
    from albefkit.engine.meters import memory_in_use

    warnings.simplefilter("ignore", AlbefkitWarning)  # random weights are as fast as others
    try:
        work = contender.prepare()
    except AlbefkitError as error:
        connection.send(error)
        return
    connection.send((work.precision, work.samples))
    while True:
        try:
            question = connection.recv()
        except EOFError:
            return
        if question == "finish":
            connection.send(memory_in_use(work.device))
            continue
        if question == "count":
            counter = FlopCounterMode(display=False)
            with uncompiled(), counter:
                work.turn()
            work.phases()
            connection.send(counter.get_total_flops())
            continue
        started = time.perf_counter()
        work.turn()
        connection.send((time.perf_counter() - started, work.phases()))
