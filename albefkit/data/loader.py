"""Batches for training, made ahead of time by worker processes.

The batch of a given cursor is the same whoever makes it, so neither the number of workers nor where
training was interrupted can be seen in it.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from albefkit.data.base import Item, Split, Unreadable, WeightedAnswers
from albefkit.data.sampler import Order
from albefkit.data.text import closed
from albefkit.data.transforms import TrainTransform
from albefkit.registry.errors import DataError, Problem
from albefkit.seeding import stream
from albefkit.tensors import Answers, Batch, TextView

MAX_WORDS = 30
"""Texts are cut to so many words, as the released code does (spec 11)."""

_MOST_WORKERS = 8
_CHUNK = 4096
_ATTEMPTS = 20
_NAMED_FILES = 8
_ENDLESS = 1 << 40


class Encoder(Protocol):
    """What turns texts into token ids: a tokenizer."""

    def encode(self, texts: Sequence[str], max_tokens: int | None = None) -> TextView:
        """Token ids of `texts`, padded to the longest."""
        ...


@dataclass(frozen=True)
class Made:
    """One batch, or why there is none, and what could not be read on the way.

    Args:
        batch: None where too much could not be read.
        unreadable: index -> what is wrong with it.
    """

    batch: Batch | None
    unreadable: dict[int, str] = field(default_factory=dict)


class TrainLoader:
    """An endless row of training batches, from any cursor on.

    Args:
        split: what to train on.
        transform: what happens to pictures and, where they are mirrored, to texts.
        tokenizer: what turns texts into ids.
        order: which items make which batch.
        workers: processes that make batches ahead; 0 makes them in this one, "auto" suits the
            machine.
        max_words: texts are cleaned and cut to so many words.
        max_tokens: and to so many tokens; None leaves them whole.
        max_broken: share of items that may be unreadable; each is replaced by another and counted
            in `skipped`.

    Raises:
        DataError: while iterating, once more items are unreadable than that; names the files.
    """

    def __init__(
        self,
        split: Split,
        transform: TrainTransform,
        tokenizer: Encoder,
        order: Order,
        *,
        workers: int | Literal["auto"] = "auto",
        max_words: int = MAX_WORDS,
        max_tokens: int | None = None,
        max_broken: float = 0.01,
    ) -> None:
        self.order = order
        self.workers = automatic_workers() if workers == "auto" else workers
        self.skipped = 0
        self._batches = _Batches(split, transform, tokenizer, order, max_words, max_tokens)
        self._allowed = int(np.ceil(max_broken * len(split)))
        self._unreadable: dict[int, str] = {}

    @property
    def steps_per_epoch(self) -> int:
        """Batches per epoch."""
        return self.order.steps_per_epoch

    def batches(self, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        """Batches number `start` to `stop`, counted since training began; no end without `stop`."""
        self._batches.split.prepare()
        cursors = range(start, _ENDLESS if stop is None else stop)
        loader = DataLoader(
            self._batches,
            batch_size=None,
            sampler=cursors,
            num_workers=self.workers,
            prefetch_factor=4 if self.workers else None,
            worker_init_fn=_leave_interrupts_to_the_trainer,
            generator=torch.Generator(),  # its draw for workers' seeds must not touch ours
        )
        for made in loader:
            yield self._checked(made)

    def _checked(self, made: Made) -> Batch:
        self.skipped += len(made.unreadable)
        self._unreadable.update(made.unreadable)
        if made.batch is None or len(self._unreadable) > self._allowed:
            raise self._error()
        return made.batch

    def _error(self) -> DataError:
        total, found = len(self._batches.split), sorted(set(self._unreadable.values()))
        more = len(found) - _NAMED_FILES
        problems = [
            Problem(
                "",
                "data",
                f"{len(self._unreadable)} of {total} training items cannot be read so far; "
                f"at most {self._allowed} may be.",
                "Mend or remove the files; `albefkit data check FILE --images` finds all of them.",
            )
        ]
        problems += [Problem("", "", reason) for reason in found[:_NAMED_FILES]]
        if more > 0:
            problems.append(Problem("", "", f"and {more} more"))
        return DataError(problems)


class _Batches(torch.utils.data.Dataset[Made]):
    """Makes the batch of a cursor; travels to the workers."""

    def __init__(
        self,
        split: Split,
        transform: TrainTransform,
        tokenizer: Encoder,
        order: Order,
        max_words: int,
        max_tokens: int | None,
    ) -> None:
        self.split, self._transform, self._tokenizer = split, transform, tokenizer
        self._order, self._max_words, self._max_tokens = order, max_words, max_tokens

    def __getitem__(self, cursor: int) -> Made:
        draw = self._order.batch(cursor)
        unreadable: dict[int, str] = {}
        items = [self._readable(draw.epoch, index, unreadable) for index in draw.indices.tolist()]
        whole = [item for item in items if item is not None]
        if len(whole) < len(items):
            return Made(None, unreadable)
        return Made(self._collate(whole), unreadable)

    def _readable(self, epoch: int, index: int, unreadable: dict[int, str]) -> Item | None:
        """Item `index` ready to be normalised, or the first readable one that may replace it."""
        wanted = index
        for attempt in range(_ATTEMPTS):
            rng = self._order.item_rng(epoch, index)
            try:
                item = self.split.item(index, rng)
            except Unreadable as problem:
                unreadable[index] = str(problem)
                index = self._order.replacement(epoch, wanted, attempt)
                continue
            text = self.split.clean(item.text, self._max_words)
            pictures, text = self._transform.pictures(item.images, text, rng)
            return Item(pictures[0], text, item.image_id, item.fields, tuple(pictures[1:]))
        return None

    def _collate(self, items: list[Item]) -> Batch:
        texts = [item.text for item in items]
        return Batch(
            images=self._transform.normalise([image for item in items for image in item.images]),
            text=self._tokenizer.encode(texts, self._max_tokens),
            image_id=torch.tensor([item.image_id for item in items]),
            text_id=torch.tensor([text_id(text) for text in texts]),
            fields={
                name: self._column([item.fields[name] for item in items])
                for name, value in items[0].fields.items()
                if isinstance(value, bool | int | float | str | np.ndarray | WeightedAnswers)
            },
        )

    def _column(self, values: list[Any]) -> Tensor | list[str] | Answers:
        if isinstance(values[0], WeightedAnswers):
            return answers(values, self._tokenizer)
        return _column(values)


def token_counts(
    texts: Iterable[str], split: Split, tokenizer: Encoder, max_tokens: int | None
) -> np.ndarray:
    """How many tokens each text has when it is read, `(n,)` int64; by chunks, to spare memory.

    Args:
        texts: as found.
        split: knows how they are cleaned.
        tokenizer: what turns texts into ids.
        max_tokens: texts are cut to so many; None leaves them whole.
    """
    counts = [np.empty(0, np.int64)]
    remaining = iter(texts)
    while chunk := [split.clean(text, MAX_WORDS) for text in itertools.islice(remaining, _CHUNK)]:
        counts.append(tokenizer.encode(chunk, max_tokens).mask.sum(1).numpy())
    return np.concatenate(counts)


def answers(values: Sequence[WeightedAnswers], tokenizer: Encoder) -> Answers:
    """The answers of several questions in one table, each closed by [SEP] (spec 5.2)."""
    owners = [row for row, each in enumerate(values) for _ in each.texts]
    return Answers(
        text=tokenizer.encode(closed(text for each in values for text in each.texts)),
        question=torch.tensor(owners, dtype=torch.int64),
        weight=torch.tensor([weight for each in values for weight in each.weights]),
    )


def _column(values: list[Any]) -> Tensor | list[str]:
    if isinstance(values[0], np.ndarray):
        return torch.from_numpy(np.stack(values))
    return values if isinstance(values[0], str) else torch.tensor(values)


def text_id(text: str) -> int:
    """A number that equal cleaned texts share, the same on every machine."""
    return stream("text", text)


def automatic_workers() -> int:
    """As many workers as leave a core to training, shared among this machine's processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    mine = (cores or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    return max(0, min(_MOST_WORKERS, mine - 1))


def _leave_interrupts_to_the_trainer(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; only the trainer decides what is then saved."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
