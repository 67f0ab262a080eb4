"""Does a teacher's advice correct captions that are wrong?"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from albefkit.alignment.space import Space
from albefkit.data.base import SplitName
from albefkit.evaluation.advice import Advice, Captions, Truth, advise, show
from albefkit.evaluation.base import Evaluator, Result, Subject
from albefkit.evaluation.sampling import Groups
from albefkit.network import Network
from albefkit.registry.errors import AlbefkitWarning, ComponentError

CLEAN = "clean"
"""What the field `noise` says of a caption to which nothing was done."""


class TeacherAgreement(Evaluator):
    """Whom does the teacher believe where a caption is known to be wrong: the caption or the image?

    Momentum distillation says that a teacher's advice makes up for noisy captions (paper section
    3.3). Data that know their noise (scenes) tell whether it does: they give the caption as it is
    trained on and as it was before. The student is asked the same, alone where nobody asks a
    teacher. In a recipe: `evaluate: {teacher-agreement: {limit: 2000}}`.

    Args:
        split: where the noise is; no other one is asked about, as val and test have none.
        limit: only so many items, the first ones.
        batch_size: captions that the advice is spread over, as in training.
    """

    def __init__(
        self,
        *,
        split: SplitName = "train",
        limit: Annotated[int, Field(ge=2)] = 1000,
        batch_size: Annotated[int, Field(ge=2)] = 32,
    ) -> None:
        self.split: SplitName = split
        self.limit = limit
        self.batch_size = batch_size

    def require(self, network: Network) -> None:
        """Refuse a network that compares nothing.

        Raises:
            ComponentError: nothing is aligned.
        """
        if network.image_projection is None or network.text_projection is None:
            message = "the advice is about similarity, and this network has no space that images"
            hint = "and texts share (alignment, objectives.itc): leave this evaluator out"
            raise ComponentError(f"{message} {hint}")

    @torch.no_grad()
    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        """Percentages, of the `teacher_...` and of the `student_...`.

        Of pairs with a noisy caption, `prefers_clean`: how often the image is more similar to the
        caption as it was before (`prefers_clean_...` by kind of noise). The advice is ITC's: how
        likely each caption of the batch is for an image, by similarity over the temperature.
        `advice_noisy_label` and `advice_noisy_true`: how much of it falls on the image's own noisy
        caption, where the data say 100 (also by kind of noise), and on captions that are true of
        the image; `advice_clean_...`: the same of pairs with a clean caption; `first_true`: how
        often the caption advised most for these is true.
        `label_noisy_true`: how many noisy captions are true after all, which is what the data alone
        advise. A caption of which nobody knows whether it is true counts as untrue. `score` is
        `prefers_clean` of whoever advises, or `first_true` where nothing is noisy. The result's
        items: `index` in the split, `noise`, and how much more similar the caption before noise is
        than the label (`..._gain`).
        """
        self.require(subject.network)
        who = _advisers(subject)
        part = subject.dataset.split(self.split)
        captions, seen = show(subject, who, part, self.limit)
        if not set(captions.noise) - {CLEAN}:
            message = f"no caption of the split '{self.split}' is noisy: nothing to be corrected"
            warnings.warn(message, AlbefkitWarning, stacklevel=2)
        truth = Truth.of(part, captions, self.batch_size)
        assert isinstance(subject.space, Space)
        temperature = float(subject.space.temperature)
        advice = {name: advise(each, truth, temperature) for name, each in seen.items()}
        return _result(self.split, captions, truth, advice)


def _advisers(subject: Subject) -> dict[str, Network]:
    """Who is asked, by name; first who advises."""
    teacher = subject.teacher
    if teacher is None or teacher.image_projection is None:
        return {"student": subject.network}
    return {"teacher": teacher, "student": subject.network}


class _Line(NamedTuple):
    """One metric: the mean over some of N items.

    Args:
        values: `(N,)`, shares of one.
        rows: `(N,)` bool, which items it is about.
        guess: `(N,)`, what guessing gives, or None where that means nothing.
    """

    values: Tensor
    rows: Tensor
    guess: Tensor | None


def _result(
    split: SplitName, captions: Captions, truth: Truth, advice: Mapping[str, Advice]
) -> Result:
    lines: dict[str, _Line] = {}
    items: dict[str, list[object]] = {"index": list(captions.indices)}
    items["noise"] = list(captions.noise)
    for name, each in advice.items():
        lines |= {f"{name}_{key}": line for key, line in _lines(captions, truth, each).items()}
        items[f"{name}_gain"] = each.gain.tolist()
    labels_true = torch.cat([table.diagonal() for table in truth.true])
    lines["label_noisy_true"] = _Line(labels_true.double(), _is_noisy(captions), None)
    lines = {name: line for name, line in lines.items() if line.rows.any()}
    metrics = {name: 100 * float(line.values[line.rows].mean()) for name, line in lines.items()}
    groups = Groups.by_image(captions.images)
    first = next(iter(advice))
    return Result(
        split=split,
        metrics=metrics,
        score=metrics.get(f"{first}_prefers_clean", metrics.get(f"{first}_first_true", 0.0)),
        chance={
            name: 100 * float(line.guess[line.rows].mean())
            for name, line in lines.items()
            if line.guess is not None
        },
        items=items,
        samples={
            name: groups.figures(100 * line.values[line.rows], line.rows)
            for name, line in lines.items()
        },
        sampled=groups.names,
    )


def _lines(captions: Captions, truth: Truth, advice: Advice) -> dict[str, _Line]:
    """The metrics of one adviser."""
    noisy = _is_noisy(captions)
    # Where noise has left a caption as it was, there is nothing to prefer.
    prefers = (1 + advice.gain.sign()) / 2
    even = torch.full_like(prefers, 0.5)
    own, true = _share(truth.own), _share(truth.true)
    found = {"prefers_clean": _Line(prefers, noisy, even)}
    for kind, rows in (("clean", ~noisy), ("noisy", noisy)):
        found[f"advice_{kind}_label"] = _Line(advice.on_label, rows, own)
        found[f"advice_{kind}_true"] = _Line(advice.on_true, rows, true)
    for noise in sorted(set(captions.noise) - {CLEAN}):
        rows = torch.tensor([each == noise for each in captions.noise])
        found[f"prefers_clean_{noise}"] = _Line(prefers, rows, even)
        found[f"advice_{noise}_label"] = _Line(advice.on_label, rows, own)
    return found | {"first_true": _Line(advice.first_true, ~noisy, true)}


def _is_noisy(captions: Captions) -> Tensor:
    return torch.tensor([noise != CLEAN for noise in captions.noise])


def _share(tables: list[Tensor]) -> Tensor:
    """`(N,)`, of what share of its batch something is so."""
    return torch.cat([table.double().mean(1) for table in tables])
