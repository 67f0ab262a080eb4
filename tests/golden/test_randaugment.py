"""RandAugment and the evaluation transform against the released code's own output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from albefkit.data import randaugment
from albefkit.data.randaugment import RandAugment
from albefkit.data.transforms import EvalTransform
from tests.golden.cases import case_dirs, case_name

CASES = pytest.mark.parametrize("folder", case_dirs("randaugment"), ids=case_name)
OPERATIONS = {
    "AutoContrast": lambda image: randaugment.auto_contrast(image, "wrap"),
    "Equalize": randaugment.equalize,
    "Identity": lambda image: image,
    "Brightness": randaugment.brightness,
    "Sharpness": lambda image, factor: randaugment.sharpness(image, factor, "wrap"),
    "ShearX": randaugment.shear_x,
    "ShearY": randaugment.shear_y,
    "TranslateX": randaugment.translate_x,
    "TranslateY": randaugment.translate_y,
    "Rotate": randaugment.rotate,
}


def assert_within_one_grey_level(got: np.ndarray, expected: np.ndarray) -> None:
    assert got.dtype == np.uint8 and got.shape == expected.shape
    assert np.abs(got.astype(int) - expected).max() <= 1


@CASES
@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(folder: Path, name: str) -> None:
    data = load_file(folder / "data.safetensors")
    arguments = json.loads((folder / "meta.json").read_text())["args"].get(name, [])
    magnitude = [max(arguments)] if arguments else []
    assert_within_one_grey_level(OPERATIONS[name](data["image"], *magnitude), data[name])
    if f"{name}-" in data:
        got = OPERATIONS[name](data["image"], -magnitude[0])
        assert_within_one_grey_level(got, data[f"{name}-"])


@CASES
def test_pipeline_draws_as_the_released_code(folder: Path) -> None:
    data = load_file(folder / "data.safetensors")
    seeds = [name for name in data if name.startswith("pipeline_npseed")]
    assert seeds
    for name in seeds:
        source = np.random.RandomState(int(re.sub(r"\D", "", name)))
        got = RandAugment(operations=2, level=7, overflow="wrap")(data["image"], source)
        assert_within_one_grey_level(got, data[name])


@CASES
def test_evaluation_transform(folder: Path) -> None:
    data = load_file(folder / "data.safetensors")
    transform = EvalTransform(
        48, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    )
    expected = data["eval_transform_48"]
    np.testing.assert_allclose(transform(data["image"]).numpy(), expected, rtol=0, atol=2e-6)
