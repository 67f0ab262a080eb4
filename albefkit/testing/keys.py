"""The contract of keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from albefkit.alignment.keys import Candidates, Keys
from albefkit.alignment.space import Space
from albefkit.assemble import Assembly
from albefkit.engine.pretrainer import Pretrainer
from albefkit.engine.step import Step
from albefkit.testing.comparing import expect_same, shape, state
from albefkit.testing.contract import contract, expect
from albefkit.testing.elsewhere import META, elsewhere
from albefkit.testing.steps import StepTrial
from albefkit.testing.watching import GENERATORS, changed

READ = "albefkit.alignment.keys:Keys"


@dataclass(frozen=True)
class KeysTrial(StepTrial):
    """Keys on trial, in ITC."""

    place = "alignment.keys"
    company = {"objectives": {"itc": {}}}  # noqa: RUF012

    def alone(self, assembly: Assembly) -> object:
        """The keys of a small space."""
        return self.build(shared_width=8)

    def begin(self, seed: int = 1, steps: int = 0) -> tuple[Pretrainer, Keys, Step]:
        """A step, after some others have been remembered."""
        pretrainer = self.pretrainer(seed)
        assert isinstance(pretrainer.space, Space)
        keys = pretrainer.space.keys
        for _ in range(steps):
            keys.remember(self.step(pretrainer))
        return pretrainer, keys, self.step(pretrainer)


def parts(found: Candidates) -> dict[str, Tensor]:
    """Candidates by name."""
    names = ("image", "text", "image_id", "text_id", "valid", "count")
    named = {name: getattr(found, name) for name in names}
    return {name: each for name, each in named.items() if each is not None}


def choose(keys: Keys, step: Step) -> dict[str, Tensor]:
    """What the student chooses from."""
    return parts(keys.candidates(step, step.student))


@contract(READ)
def shapes_are_as_declared(trial: KeysTrial) -> None:
    """Candidates are K unit vectors each of images and texts (K, E) with their int64 ids (K,), a
    bool mask (K,) or None, and a count: a float that says how many are valid.
    """
    _, keys, step = trial.begin(steps=1)
    found: dict[str, Any] = choose(keys, step)
    width = step.student.image_features().shape[1]
    count = len(found["image"])
    for name in ("image", "text"):
        expect(found[name].shape == (count, width), f"{name} is {shape(found[name])}")
        ids = found[f"{name}_id"]
        right = ids.shape == (count,) and ids.dtype == torch.int64
        expect(right, f"{name}_id is {shape(ids)} {ids.dtype}, not ({count},) int64")
    valid = found.get("valid", torch.ones(count, dtype=torch.bool))
    right = valid.shape == (count,) and valid.dtype == torch.bool
    expect(right, f"valid is {shape(valid)} {valid.dtype}, not ({count},) bool")
    said = found["count"]
    right = said.dim() == 0 and said.is_floating_point() and float(said) == float(valid.sum())
    expect(right, f"count is {said.tolist()} {said.dtype}, and {int(valid.sum())} are valid")
    for name in ("image", "text"):
        off = float((found[name][valid].detach().norm(dim=1) - 1).abs().max())
        expect(off < 1e-4, f"a {name} has a length that is {off:.2g} from 1")


@contract(READ)
def own_pairs_come_first(trial: KeysTrial) -> None:
    """The first B candidates are the batch's own, in order and valid: hard negatives and targets
    are read from there.
    """
    _, keys, step = trial.begin(steps=1)
    found, rows = choose(keys, step), len(step.batch)
    who = step.teacher if keys.needs_teacher else step.student
    own = {
        "image": who.image_features(),
        "text": who.text_features(),
        "image_id": step.batch.image_id,
        "text_id": step.batch.text_id,
    }
    first = {name: found[name][:rows] for name in own}
    expect_same(own, first, "where candidates begin")
    valid = "valid" not in found or bool(found["valid"][:rows].all())
    expect(valid, f"valid begins with {found.get('valid', own['image'])[:rows].tolist()}")


@contract(READ)
def choosing_changes_nothing(trial: KeysTrial) -> None:
    """Only `remember` changes what is kept: candidates can be asked for twice, by anybody."""
    _, keys, step = trial.begin(steps=1)
    before, first = state(keys), choose(keys, step)
    expect_same(before, state(keys), "after candidates were asked for", tolerance=0.0)
    expect_same(first, choose(keys, step), "the second time", tolerance=0.0)


@contract(READ)
def remembering_comes_after(trial: KeysTrial) -> None:
    """What a step has chosen from stays as it was when the step is remembered, and what is
    remembered is there in the next one.
    """
    pretrainer, keys, step = trial.begin(steps=1)
    chosen = choose(keys, step)
    before = {name: each.detach().clone() for name, each in chosen.items()}
    held = state(keys)
    keys.remember(step)
    expect_same(before, chosen, "after the step was remembered", tolerance=0.0)
    if not held:
        return
    later = choose(keys, trial.step(pretrainer))
    rows = len(step.batch)
    news, rest = before["image_id"][:rows], later["image_id"][rows:]
    valid = later.get("valid", torch.ones(len(later["image_id"]), dtype=torch.bool))[rows:]
    back = bool(torch.isin(news[-1:], rest[valid]).all())
    expect(back, f"images {news.tolist()} were remembered, and {rest[valid].tolist()} came back")


@contract(READ)
def no_graph_is_kept(trial: KeysTrial) -> None:
    """Nothing that is kept carries a gradient into the next step, and what is the teacher's carries
    none at all.
    """
    pretrainer, keys, step = trial.begin()
    for turn in range(3):
        found = choose(keys, step)
        if keys.needs_teacher:
            taught = [name for name in ("image", "text") if found[name].requires_grad]
            expect(not taught, f"{' and '.join(taught)} of the teacher carries a gradient")
        total = (step.student.image_features() @ found["text"].T).sum()
        total = total + (step.student.text_features() @ found["image"].T).sum()
        try:
            total.backward()
        except RuntimeError as error:
            expect(False, f"step {turn} reaches back into the one before: {error}")
        keys.remember(step)
        step = trial.step(pretrainer)
    graphs = [name for name, each in keys.named_buffers() if each.requires_grad]
    expect(not graphs, f"{', '.join(graphs)} carries a gradient")


@contract(READ)
def state_dict_holds_everything(trial: KeysTrial) -> None:
    """Keys whose state_dict is loaded choose from what those chose from that it was taken from,
    then and later.
    """
    pretrainer, keys, step = trial.begin(1, steps=2)
    _, other, _ = trial.begin(2)
    other.load_state_dict(keys.state_dict())
    for when in ("after its state_dict was loaded into others", "a step later"):
        expect_same(choose(keys, step), choose(other, step), when)
        keys.remember(step)
        other.remember(step)
        step = trial.step(pretrainer)


@contract(READ)
def draws_no_random_numbers(trial: KeysTrial) -> None:
    """Nothing about keys is left to chance once they are built."""
    _, keys, step = trial.begin()
    step.student.similarities()
    step.teacher.network.eval()

    def use() -> None:
        choose(keys, step)
        keys.remember(step)

    found = changed(GENERATORS, use)
    expect(not found, f"{' and '.join(found)} has moved")


@contract(READ)
def waits_for_no_device(trial: KeysTrial) -> None:
    """Nothing is asked of the device that has to be waited for: no `.item()`, `.tolist()`,
    `bool()`, `.cpu()` or `nonzero` of what lies there.
    """
    pretrainer, keys, _ = trial.begin()
    pretrainer.to(META)
    step = trial.step(pretrainer, trial.batch.to(META))
    with elsewhere():
        choose(keys, step)
        keys.remember(step)


CONTRACTS = (
    shapes_are_as_declared,
    own_pairs_come_first,
    choosing_changes_nothing,
    remembering_comes_after,
    no_graph_is_kept,
    state_dict_holds_everything,
    draws_no_random_numbers,
    waits_for_no_device,
)
