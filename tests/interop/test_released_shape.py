"""Released state dicts are measured, and their names are known to the last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from albefkit.interop.layouts import LAYOUTS, PRETRAIN, Layout
from albefkit.interop.released_shape import expected_names, shape_of
from albefkit.registry.errors import ComponentError
from tests.golden.cases import case_dirs, case_name, fixed_dir, width_case_dirs
from tests.golden.released_run import read, released_state

KEYS = fixed_dir("checkpoint_keys")
NAMES = {"entailment": "ve", "nlvr_assign": "pretrain_nlvr"}


@pytest.mark.skipif(KEYS is None, reason="the list of released keys is not here")
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_name_at_full_size(layout: Layout) -> None:
    assert KEYS is not None
    content = json.loads((KEYS / "full_size_shapes.json").read_text())["state"]
    shapes = content[NAMES.get(layout.name, layout.name)]
    state = {name: torch.empty(shape, device="meta") for name, (shape, _) in shapes.items()}
    shape = shape_of(state)
    assert expected_names(layout, shape) == set(shapes)
    assert (shape.text_width, shape.feed_forward, shape.vocabulary) == (768, 3072, 30522)
    assert shape.image_size == (256 if layout.name in ("pretrain", "nlvr_assign") else 384)
    assert shape.fusion_layers == 6 * layout.images


@pytest.mark.parametrize("case", width_case_dirs("vqa"), ids=case_name)
def test_every_width_is_found(case: Path) -> None:
    shape = shape_of(read(case, "weights"))
    assert (shape.vision_width, shape.text_width, shape.feed_forward) == (48, 32, 96)
    assert (shape.image_size, shape.patch_size, shape.vision_layers) == (48, 16, 4)
    assert (shape.text_layers, shape.fusion_layers, shape.decoder_layers) == (2, 2, 2)
    assert (shape.shared_width, shape.queue, shape.classes) == (None, None, None)


@pytest.mark.parametrize("case", case_dirs("pretrain"), ids=case_name)
def test_a_recorded_checkpoint_has_the_expected_names(case: Path) -> None:
    state = released_state(case)
    shape = shape_of(state)
    assert expected_names(PRETRAIN, shape) == set(state)
    assert (shape.shared_width, shape.queue) == (32, 48)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("visual_encoder.pos_embed", "visual_encoder.pos_embed is not there"),
        ("text_encoder.bert.embeddings.word_embeddings.weight", "word_embeddings.weight is not"),
    ],
)
@pytest.mark.parametrize("case", case_dirs("pretrain"), ids=case_name)
def test_what_is_no_released_checkpoint_is_said(case: Path, lost: str, message: str) -> None:
    state = released_state(case)
    del state[lost]
    with pytest.raises(ComponentError, match=message):
        shape_of(state)
