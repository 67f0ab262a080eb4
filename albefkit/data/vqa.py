"""Questions about photographs, in the JSON format of the released code (spec 5.2 and 14)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from albefkit.data.answer_list import NAME, read_answer_list
from albefkit.data.base import Item, Split, SplitName, WeightedAnswers
from albefkit.data.entries import fingerprint, read_rows
from albefkit.data.file_dataset import FileDataset
from albefkit.data.files import Files
from albefkit.data.images import ImageReader
from albefkit.data.questions import FORM, WHAT, QuestionRow, answered_row, question_row
from albefkit.data.text import pre_question
from albefkit.registry.errors import AlbefkitWarning, DataError, Problem
from albefkit.seeding import stream
from albefkit.tensors import IGNORED


class VQA(FileDataset):
    """Questions about photographs with one or several answers, in the released format.

    A JSON list of `{"image": path, "question": text, "answer": text or list of texts,
    "question_id": number or text, "dataset": "vqa" or "vg"}`; only training needs answers. Equal
    answers to a question count by their share of all; the answer to a `vg` question counts half.

    Args:
        answers: JSON list of the answers that may be chosen; null takes answer_list.json in root
            if it is there. `albefkit vqa-answers` makes one.
        image_roots: folders of images by `dataset`, starting from root, as in `{vg: genome}`; the
            images of those not named are in root.
    """

    what, prefixes = WHAT, ("vqa",)

    def __init__(
        self,
        *,
        root: str = ".",
        train: Files = None,
        val: Files = None,
        test: Files = None,
        answers: str | None = None,
        image_roots: dict[str, str] | None = None,
        short_side: Annotated[int, Field(ge=16)] = 512,
        keep_megabytes: Annotated[int, Field(ge=0)] = 512,
    ) -> None:
        super().__init__(
            root=root,
            train=train,
            val=val,
            test=test,
            short_side=short_side,
            keep_megabytes=keep_megabytes,
        )
        self._answers, self._image_roots = answers, image_roots or {}

    @property
    def classes(self) -> tuple[str, ...]:
        """The answer list; empty where there is none.

        Raises:
            DataError: the list is not as it should be.
        """
        return self._listed

    def read(self, name: SplitName, files: Sequence[Path], reader: ImageReader) -> VQASplit:
        """A split from its files.

        Raises:
            DataError: a file is not as it should be.
        """
        rows = read_rows(files, answered_row if name == "train" else question_row, WHAT, FORM)
        labels = _labels(rows, self.classes)
        if name == "train":
            self._count_unlisted(labels)
        images = [str(Path(self._image_roots.get(row.dataset, ""), row.image)) for row in rows]
        return VQASplit(rows, images, labels, reader)

    @cached_property
    def _listed(self) -> tuple[str, ...]:
        path = self.root / (self._answers or NAME)
        return read_answer_list(path) if self._answers or path.is_file() else ()

    def _count_unlisted(self, labels: Sequence[int | None]) -> None:
        count = sum(label == IGNORED for label in labels)
        if count == len(labels):
            message = f"none of the {count} training questions has an answer of the answer list."
            hint = "`albefkit vqa-answers` makes a list that fits them."
            raise DataError(Problem("", "data.answers", message, hint))
        if count:
            warnings.warn(
                f"{count} of {len(labels)} training questions have no answer in the list of "
                f"{len(self.classes)}: a classifier passes over them.",
                AlbefkitWarning,
                stacklevel=3,
            )


def _labels(rows: Sequence[QuestionRow], classes: Sequence[str]) -> list[int | None]:
    """Where in the list the heaviest listed answer to each question is; None without either."""
    if not classes:
        return [None] * len(rows)
    places = {answer: place for place, answer in enumerate(classes)}
    return [row.answers and _label(row.answers, places) for row in rows]


def _label(answers: WeightedAnswers, places: Mapping[str, int]) -> int:
    listed = [
        (weight, text)
        for weight, text in zip(answers.weights, answers.texts, strict=True)
        if text in places
    ]
    return places[max(listed, key=lambda each: each[0])[1]] if listed else IGNORED


class VQASplit(Split):
    """Rows of question files.

    An item's fields: `answers`, where somebody gave any; `label`, the place in the answer list of
    the one most people gave of those listed, or `IGNORED`, where there are answers and a list; and
    `question_id`, where every question has one.

    Args:
        rows: of all files.
        images: path of each row's image, from the reader's folder.
        labels: of each row, None where it has none.
        reader: reads the images.
    """

    def __init__(
        self,
        rows: Sequence[QuestionRow],
        images: Sequence[str],
        labels: Sequence[int | None],
        reader: ImageReader,
    ) -> None:
        self._rows, self._images, self._labels, self._reader = rows, images, labels, reader
        self._numbers = {name: stream("image", name) for name in set(images)}
        self._ids = _question_ids(rows)
        self._latest: tuple[str, np.ndarray] | None = None
        self.fingerprint = fingerprint(zip(rows, images, labels, strict=True))

    def __len__(self) -> int:
        return len(self._rows)

    def item(self, index: int, rng: np.random.Generator) -> Item:
        """Row `index`; nothing about it is left to chance.

        Raises:
            Unreadable: the image cannot be read.
        """
        row, name = self._rows[index], self._images[index]
        known = {
            "answers": row.answers,
            "label": self._labels[index],
            "question_id": self._ids[index] if self._ids else None,
        }
        fields: dict[str, Any] = {key: value for key, value in known.items() if value is not None}
        return Item(self._image(name), row.question, self._numbers[name], fields)

    def clean(self, text: str, max_words: int) -> str:
        """A question as it is read (spec 11)."""
        return pre_question(text, max_words)

    def captions(self) -> Iterator[str]:
        """Every question and every answer."""
        for row in self._rows:
            yield row.question
            yield from row.answers.texts if row.answers else ()

    def item_texts(self) -> Iterator[str]:
        """Every question."""
        return (row.question for row in self._rows)

    def _image(self, name: str) -> np.ndarray:
        """Questions about one image lie in a row: the latest is kept, whatever the reader keeps."""
        if self._latest is None or self._latest[0] != name:
            self._latest = (name, self._reader.read(name))
        return self._latest[1]


def _question_ids(rows: Sequence[QuestionRow]) -> list[int] | list[str] | None:
    """All as numbers, or else all as texts, as a batch holds one or the other."""
    ids = [row.question_id for row in rows]
    if any(each is None for each in ids):
        return None
    numbers = [each for each in ids if isinstance(each, int)]
    return numbers if len(numbers) == len(ids) else [str(each) for each in ids]
