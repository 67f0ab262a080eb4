"""A recorded fine-tuning: an ordinary recipe's parts with the weights of a released task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from albefkit.assemble import assemble
from albefkit.distill.constant import Constant
from albefkit.engine.adamw import AdamW
from albefkit.engine.pretrainer import Pretrainer
from albefkit.interop.released import from_released
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.tensors import Batch, TextView
from tests.golden.released_run import (
    FLOAT32,
    FUSION_FROM,
    STEPS_PER_EPOCH,
    Sizes,
    fingerprint,
    key_bias,
    recorded_network,
)

TEACHER = "teacher."
RUNS = {"distill_a04": 0.4, "distill_a00": 0.0, "nodistill": None}
"""Recorded runs, and how much the teacher counts in them."""
EXACT = {"rtol": 1e-9, "atol": 1e-10}
MAIN = Sizes(vision_width=64, text_width=64, feed_forward=256, positions=64, shared_width=32)
PRETRAINING: dict[str, Any] = dict.fromkeys(("itc", "itm", "mlm"))


def fine_tuned(
    folder: Path,
    sizes: Sizes,
    state: Mapping[str, Tensor],
    dtype: torch.dtype,
    recipe: Mapping[str, Any],
) -> Pretrainer:
    """The parts of a recipe at recorded sizes, with all the released weights of its task.

    Args:
        folder: where files of the recipe may be written.
        sizes: of the network.
        state: released names.
        dtype: of the numbers.
        recipe: `objectives`, to which nothing of pre-training is added, `data`, and the like.
    """
    pretrainer = assembled(folder, sizes, recipe)
    weights = from_released(dict(state), fusion_from=FUSION_FROM)
    missing, unexpected = pretrainer.to(dtype).load_state_dict(weights, strict=False)
    taught = any(name.startswith(TEACHER) for name in pretrainer.state_dict())
    assert not missing
    assert not [name for name in unexpected if taught or not name.startswith(TEACHER)]
    return pretrainer.train()


def assembled(folder: Path, sizes: Sizes, recipe: Mapping[str, Any]) -> Pretrainer:
    """The parts of a recipe at recorded sizes, as they come; arguments as for `fine_tuned`."""
    whole = recorded_network(folder, sizes) | dict(recipe)
    whole["objectives"] = PRETRAINING | dict(recipe["objectives"])
    path = folder / "recorded.yaml"
    path.write_text(yaml.safe_dump(whole))
    return assemble(load_recipe(path)).pretrainer


def batch(images: Tensor, ids: Tensor, mask: Tensor, dtype: torch.dtype, **fields: object) -> Batch:
    """A recorded batch, `ids` and `mask` as wide as recorded."""
    rows = torch.arange(len(ids))
    text = TextView(ids, mask.bool())
    return Batch(images.to(dtype), text, image_id=rows, text_id=rows, fields=dict(fields))


def begin(pretrainer: Pretrainer, step: int = 0) -> Progress:
    """Begin a step, which moves the teacher."""
    progress = Progress(step=step, steps_per_epoch=STEPS_PER_EPOCH, epochs=1)
    pretrainer.begin_step(progress)
    return progress


def ours(released: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Recorded tensors by the names that parameters have here."""
    return from_released(dict(released), fusion_from=FUSION_FROM)


def gradients(pretrainer: Pretrainer) -> dict[str, Tensor]:
    """Gradients of the student by name."""
    return {
        name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for name, parameter in pretrainer.named_parameters()
        if not name.startswith(TEACHER)
    }


def close(actual: Tensor, expected: Tensor, **tolerance: float) -> None:
    """Compare numbers, in float32 unless a tolerance is given."""
    torch.testing.assert_close(actual.detach(), expected, **(tolerance or FLOAT32))


def gradients_agree(
    pretrainer: Pretrainer,
    expected: Mapping[str, Tensor],
    probes: Mapping[str, Mapping[str, float] | None],
    **tolerance: float,
) -> None:
    """Compare the gradients of a recorded step in float32.

    Args:
        pretrainer: whose loss has gone backward.
        expected: recorded tensors, some of them `grad/<released name>`.
        probes: recorded fingerprints of all, None where there is no gradient.
        tolerance: of whole gradients.
    """
    found = gradients(pretrainer)
    assert set(found) == set(ours({name: torch.zeros(1) for name in probes}))
    stored = {name: list(each.values()) for name, each in probes.items() if each}
    probes_agree(found, stored, 1, tolerance=1e-4, floor=2e-5)
    recorded = {
        key.removeprefix("grad/"): value for key, value in expected.items() if "grad/" in key
    }
    for name, value in ours(recorded).items():
        close(found[name], value, **tolerance)


def teacher_agrees(pretrainer: Pretrainer, recorded: Mapping[str, Mapping[str, float]]) -> None:
    """Compare sums of a teacher's tensors, by released name, in float32."""
    after = pretrainer.state_dict()
    for released, sums in recorded.items():
        ((name, total),) = ours({released: torch.tensor(sums["sum"], dtype=torch.float64)}).items()
        close(after[name].double().sum(), total, rtol=1e-5, atol=1e-4)


def probes_agree(
    found: Mapping[str, Tensor],
    stored: Mapping[str, list[float]],
    first: int,
    *,
    tolerance: float,
    floor: float,
    moved: bool = False,
) -> None:
    """Compare fingerprints of all tensors that a student or a teacher has.

    Args:
        found: by name here.
        stored: norm, sum and wave by released name.
        first: where the wave begins.
        tolerance: relative.
        floor: absolute, for tensors of norm up to 1.
        moved: whether an optimizer step has moved key biases by rounding noise.
    """
    for released, values in stored.items():
        if key_bias(released) or (moved and released.endswith("qkv.bias")):
            continue
        ((name, expected),) = ours({released: torch.tensor(values, dtype=torch.float64)}).items()
        actual = torch.tensor(fingerprint(found[name], first), dtype=torch.float64)
        scale = floor * max(1.0, values[0])
        torch.testing.assert_close(actual, expected, rtol=tolerance, atol=scale)


def steps_agree(
    pretrainer: Pretrainer,
    batches: Sequence[Batch],
    expected: Mapping[str, Tensor],
    probes: Mapping[str, Mapping[str, list[float]]],
    prefix: str = "",
) -> None:
    """Take recorded steps in float64: losses, gradients, and weights after each.

    Args:
        pretrainer: with the recorded weights.
        batches: one for each step.
        expected: recorded tensors, `<prefix>step1.loss` and so on.
        probes: recorded fingerprints, `<prefix>grad_probes_step1` and so on.
        prefix: which of several recorded runs.
    """
    recipe = AdamW(lr=Constant(value=2e-5), decay_temperature=True, decay_tables=True)
    optimizer = recipe.build(pretrainer.named_parameters())
    exact = {"first": 0, "tolerance": 1e-9, "floor": 1e-10}
    for number, shown in enumerate(batches, 1):
        optimizer.zero_grad()
        progress = begin(pretrainer, number - 1)
        report = pretrainer(shown, progress)
        report.loss.backward()
        at = f"{prefix}step{number}"
        torch.testing.assert_close(report.loss.detach(), expected[f"{at}.loss"], **EXACT)
        found = gradients(pretrainer)
        probes_agree(found, probes[f"{prefix}grad_probes_step{number}"], **exact)
        for key, value in expected.items():
            if key.startswith(f"{at}.grad."):
                ((name, wanted),) = ours({key.removeprefix(f"{at}.grad."): value}).items()
                torch.testing.assert_close(found[name], wanted, **EXACT)
        recipe.prepare(optimizer, progress)
        optimizer.step()
        after = pretrainer.state_dict()
        for who in ("teacher", "student"):
            stored = probes.get(f"{prefix}{who}_probes_after_step{number}", {})
            probes_agree(after, stored, **exact, moved=True)
