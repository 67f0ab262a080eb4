"""Statements that are true or false of images seen together (spec 6 and 14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from albefkit.data.entries import WrongEntryError, text_in, texts_in, wrong
from albefkit.data.files import Files
from albefkit.data.labelled import LabelledDataset, LabelledRow

CLASSES = ("false", "true")


class NLVR(LabelledDataset):
    """Statements that are true or false of their images, in the released format.

    A JSON list of `{"images": [path, ...], "sentence": text, "label": "True" or "False"}`; one
    image may stand under `image`, and a label may be true or false.

    Args:
        images: how many images each statement speaks of: two in NLVR2, one in NLVR.
    """

    what, prefixes = "statement", ("nlvr",)
    form = '{"images": [path, ...], "sentence": text, "label": "True" or "False"}'

    def __init__(
        self,
        *,
        images: Annotated[int, Field(ge=1)] = 2,
        root: str = ".",
        train: Files = None,
        val: Files = None,
        test: Files = None,
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
        self._images = images

    @property
    def classes(self) -> tuple[str, ...]:
        """False, true."""
        return CLASSES

    @property
    def images_per_text(self) -> int:
        """As the recipe says."""
        return self._images

    def row(self, index: int, entry: Mapping[str, Any]) -> LabelledRow:
        """The row of an entry.

        Raises:
            WrongEntryError: the entry is not as it should be.
        """
        key = "images" if "images" in entry else "image"
        images = texts_in(entry, key, "the paths of images")
        if not all(image.strip() for image in images):
            raise wrong(entry, key, "the paths of images")
        if len(images) != self._images:
            message = f"given {len(images)}, expected {self._images}: data.images says how many."
            raise WrongEntryError(key, message)
        text, label = text_in(entry, "sentence"), str(entry.get("label")).lower()
        if label not in CLASSES:
            raise wrong(entry, "label", '"True" or "False"')
        return LabelledRow(images, text, CLASSES.index(label))
