"""The contract of negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from albefkit.alignment.keys import Candidates
from albefkit.alignment.matching import Positives, matches
from albefkit.alignment.space import Similarities
from albefkit.objectives.negatives import Negatives, WrongPartners
from albefkit.seeding import torch_generator
from albefkit.tensors import Batch, TextView
from albefkit.testing.comparing import expect_same, shape
from albefkit.testing.contract import contract, expect
from albefkit.testing.elsewhere import elsewhere
from albefkit.testing.trial import Trial
from albefkit.testing.watching import GENERATORS, changed

READ = "albefkit.objectives.negatives:Negatives"
ALIKE = (0, 0, 1, 2, 3, 4)
"""What each row shows: the first two the same image."""
WORDS = (0, 1, 2, 2, 3, 4)
"""What each row says: the third and the fourth the same words."""
TIMES = 40
"""Drawings that never show what must not be drawn."""


@dataclass(frozen=True)
class NegativesTrial(Trial):
    """A choice of negatives on trial, in ITM."""

    place = "objectives.itm.negatives"
    company = {"objectives": {"itc": {}, "itm": {}}}  # noqa: RUF012

    def exercise(self) -> None:
        """Draw once."""
        self.draw(Meeting())

    def draw(self, meeting: Meeting, *keys: int) -> WrongPartners:
        """Wrong partners, from a generator of these numbers."""
        negatives = self.build()
        assert isinstance(negatives, Negatives)
        return negatives.draw(meeting, torch_generator("conformance", *keys))


class Meeting:
    """As much of a step as choosing partners takes: an `Occasion`.

    Args:
        images: what each row shows.
        words: what each row says.
        scale: of the similarities; large ones leave nothing to chance.
    """

    def __init__(
        self,
        images: tuple[int, ...] = ALIKE,
        words: tuple[int, ...] = WORDS,
        scale: float = 1.0,
        device: str = "cpu",
    ) -> None:
        rows = len(images)
        text = TextView(torch.ones(rows, 3, dtype=torch.int64), torch.ones(rows, 3).bool())
        image_id, text_id = torch.tensor(images), torch.tensor(words)
        batch = Batch(torch.zeros(rows, 3, 2, 2), text, image_id, text_id)
        self.batch = batch.to(torch.device(device))
        values = torch.randn(2, rows, rows, generator=torch.Generator().manual_seed(0))
        self.values = (scale * values).to(device).requires_grad_()

    @property
    def student(self) -> Meeting:
        """Who says how similar rows are."""
        return self

    @property
    def device(self) -> torch.device:
        """Where partners are chosen."""
        return self.batch.images.device

    def similarities(self) -> Similarities:
        """Of the rows among themselves, with a graph."""
        batch, units = self.batch, torch.ones_like(self.values[0])
        count = units.detach().sum() / len(batch)
        ids = batch.image_id, batch.text_id
        candidates = Candidates(units, units, *ids, None, count)
        return Similarities(self.values[0], self.values[1], candidates)


def parts(found: WrongPartners) -> dict[str, Tensor]:
    """Drawn partners by name."""
    names = ("image", "text", "image_found", "text_found")
    return {name: cast("Tensor", getattr(found, name)) for name in names}


@contract(READ)
def partners_are_rows(trial: NegativesTrial) -> None:
    """For each of B rows there are the number of an image and of a text, int64 from 0 to B - 1, and
    whether each was found, a float that is 0 or 1 and carries no gradient.
    """
    found = parts(trial.draw(Meeting()))
    rows = len(ALIKE)
    for name, each in found.items():
        expect(each.shape == (rows,), f"{name} is {shape(each)}, not ({rows},)")
        expect(not each.requires_grad, f"{name} carries a gradient")
    for name in ("image", "text"):
        each = found[name]
        whole = each.dtype == torch.int64 and bool(((each >= 0) & (each < rows)).all())
        expect(whole, f"{name} is {each.dtype} from {each.min()} to {each.max()} of {rows} rows")
        was = found[f"{name}_found"]
        flags = was.is_floating_point() and bool(((was == 0) | (was == 1)).all())
        expect(flags, f"{name}_found is {was.dtype} {sorted(set(was.tolist()))}")


@contract(READ)
def nobody_is_their_own_negative(trial: NegativesTrial) -> None:
    """A row's own partner is never drawn for it."""
    own = torch.arange(len(ALIKE))
    for scale in (1.0, 100.0):
        for turn in range(TIMES):
            found = parts(trial.draw(Meeting(scale=scale), turn))
            for name in ("image", "text"):
                drawn = (found[name] == own) & (found[f"{name}_found"] > 0)
                rows = drawn.nonzero()[:, 0].tolist()
                expect(not rows, f"rows {rows} were given their own {name}")


@contract(READ)
def excluded_rows_are_not_drawn(trial: NegativesTrial) -> None:
    """Where there is an option `exclude`, the rows it names are never drawn."""
    exclude: Any = trial.spec.params.get("exclude", "pair")
    meeting = Meeting()
    batch = meeting.batch
    excluded = matches(cast("Positives", exclude), batch, batch.image_id, batch.text_id)
    for turn in range(TIMES):
        found = parts(trial.draw(meeting, turn))
        for name in ("image", "text"):
            drawn = excluded.gather(1, found[name][:, None])[:, 0] & (found[f"{name}_found"] > 0)
            rows = drawn.nonzero()[:, 0].tolist()
            expect(not rows, f"rows {rows} were given a {name} that exclude: {exclude} rules out")


@contract(READ)
def nothing_legal_is_nothing_found(trial: NegativesTrial) -> None:
    """Where a row has no legal partner nothing fails: what is drawn is said not to be found."""
    found = parts(trial.draw(Meeting((0,), (0,))))
    for name in ("image", "text"):
        expect(int(found[name][0]) == 0, f"{name} is {found[name].tolist()} in a batch of one")
        none = not found[f"{name}_found"].detach().any()
        expect(none, f"{name}_found is {found[f'{name}_found'].tolist()} in a batch of one")


@contract(READ)
def draws_from_the_generator_given(trial: NegativesTrial) -> None:
    """All chance comes from the generator that is given: the same one, the same partners; and
    global generators stay where they are.
    """
    first = parts(trial.draw(Meeting(), 1))
    moved = changed(GENERATORS, lambda: trial.draw(Meeting(), 1))
    expect(not moved, f"{' and '.join(moved)} has moved")
    torch.rand(1)
    expect_same(first, parts(trial.draw(Meeting(), 1)), "from an equal generator", tolerance=0.0)


@contract(READ)
def waits_for_no_device(trial: NegativesTrial) -> None:
    """Nothing is asked of the device that has to be waited for: no `.item()`, `.tolist()`,
    `bool()`, `.cpu()` or `nonzero` of what lies there.
    """
    with elsewhere():
        trial.draw(Meeting(device="meta"))


CONTRACTS = (
    partners_are_rows,
    nobody_is_their_own_negative,
    excluded_rows_are_not_drawn,
    nothing_legal_is_nothing_found,
    draws_from_the_generator_given,
    waits_for_no_device,
)
