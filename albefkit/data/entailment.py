"""Visual entailment: does the photograph show what the sentence says (spec 4 and 14)?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from albefkit.data.entries import text_in, wrong
from albefkit.data.labelled import LabelledDataset, LabelledRow

CLASSES = ("contradiction", "neutral", "entailment")
"""In the order of the released code."""


class Entailment(LabelledDataset):
    """Photographs with sentences they entail, contradict or leave open, in the released format.

    A JSON list of `{"image": path, "sentence": text, "label": class}`; an image without a suffix is
    a JPEG's name.
    """

    what, prefixes = "entailment", ("ve",)
    form = '{"image": path, "sentence": text, "label": "entailment", "neutral" or "contradiction"}'

    @property
    def classes(self) -> tuple[str, ...]:
        """Contradiction, neutral, entailment."""
        return CLASSES

    def row(self, index: int, entry: Mapping[str, Any]) -> LabelledRow:
        """The row of an entry.

        Raises:
            WrongEntryError: the entry is not as it should be.
        """
        image, text = text_in(entry, "image", "the path of an image"), text_in(entry, "sentence")
        if entry.get("label") not in CLASSES:
            raise wrong(entry, "label", '"entailment", "neutral" or "contradiction"')
        path = image if Path(image).suffix else f"{image}.jpg"
        return LabelledRow((path,), text, CLASSES.index(entry["label"]))
