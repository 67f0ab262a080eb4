"""Grad-CAM and the choice of boxes in the released grounding (spec 7)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

from albefkit.assemble import assemble
from albefkit.engine.pretrainer import Pretrainer
from albefkit.gradcam.boxes import box_scores, choose_boxes, enlarge, intersection_over_union
from albefkit.gradcam.maps import sentence_maps, summary_maps, word_maps
from albefkit.gradcam.tracing import (
    Traced,
    cross_attentions,
    image_attentions,
    layout,
    trace_match,
    trace_similarity,
)
from albefkit.interop.released import from_released
from albefkit.recipe.load import load_recipe
from tests.golden.cases import case_dirs, case_name, width_case_dirs
from tests.golden.released_run import (
    FLOAT32,
    FUSION_FROM,
    Sizes,
    read,
    read_json,
    recorded_network,
    recorded_sizes,
    released_state,
)
from tests.golden.test_retrieval_scores import SIZES

EXACT = {"rtol": 1e-9, "atol": 1e-12}
STALE = 2

cases = pytest.mark.parametrize("case", case_dirs("grounding"), ids=case_name)
width_cases = pytest.mark.parametrize("case", width_case_dirs("retrieval_eval"), ids=case_name)


def retrieval(
    folder: Path, sizes: Sizes, state: Mapping[str, Tensor], dtype: torch.dtype
) -> Pretrainer:
    """A network of the retrieval task in evaluation, with released weights."""
    recipe = recorded_network(folder, sizes) | {
        "alignment": {"width": sizes.shared_width, "keys": "in-batch"},
        "objectives": {"mlm": None, "mod": None},
        "data": {"type": "scenes", "train": 8, "val": 4, "test": 4, "size": 48},
    }
    path = folder / "recorded.yaml"
    path.write_text(yaml.safe_dump(recipe))
    pretrainer = assemble(load_recipe(path)).pretrainer.to(dtype)
    weights = from_released(dict(state), fusion_from=FUSION_FROM)
    missing, _ = pretrainer.load_state_dict(weights, strict=False)
    assert not missing
    return pretrainer.eval()


def itm(pretrainer: Pretrainer, images: Tensor, ids: Tensor, mask: Tensor, layer: int) -> Traced:
    network = pretrainer.student
    with torch.no_grad():
        image, text = network.vision(images), network.text(ids, mask)
    own = torch.arange(len(ids))
    chosen = cross_attentions(network.fusion)[layer]
    return trace_match(network, image, text, own, own, [chosen])


def itc(pretrainer: Pretrainer, images: Tensor, ids: Tensor, mask: Tensor, block: int) -> Traced:
    network = pretrainer.student
    with torch.no_grad():
        words = network.text_features(network.text(ids, mask))
    chosen = image_attentions(network.vision)[block]
    return trace_similarity(network, images, words, pretrainer.space.temperature, [chosen])


@cases
def test_maps(case, tmp_path):
    inputs, expected = read(case, "inputs"), read(case, "out")
    pretrainer = retrieval(tmp_path, SIZES, released_state(case), torch.float32)
    mask = inputs["attention_mask"].bool()
    shown = inputs["image"].float(), inputs["input_ids"], mask
    where = layout(pretrainer.student.vision)
    for block in (2, 3):
        traced = itm(pretrainer, *shown, block - FUSION_FROM)
        (trace,) = traced.traces
        found = sentence_maps(word_maps(trace, mask, where))
        name = f"itm_block{block}"
        torch.testing.assert_close(trace.weights, expected[f"{name}_attn"], **FLOAT32)
        torch.testing.assert_close(trace.gradients, expected[f"{name}_attn_grad"], **FLOAT32)
        torch.testing.assert_close(found, expected[f"{name}_map"], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(traced.scores, expected["itm_logits"][:, 1], **FLOAT32)
    for block in (1, 3):
        (trace,) = itc(pretrainer, *shown, block).traces
        name = f"itc_block{block}"
        first = trace.weights[:, :, 0], trace.gradients[:, :, 0]
        torch.testing.assert_close(first[0], expected[f"{name}_attn_clsrow"], **FLOAT32)
        torch.testing.assert_close(first[1], expected[f"{name}_attn_grad_clsrow"], **FLOAT32)
        found = summary_maps(trace, where)
        torch.testing.assert_close(found, expected[f"{name}_map"], rtol=1e-4, atol=1e-7)
    assert all(parameter.grad is None for parameter in pretrainer.parameters())


@width_cases
def test_maps_where_every_width_differs(case, tmp_path):
    inputs, expected, meta = read(case, "inputs"), read(case, "expected"), read_json(case, "meta")
    file = (case / meta["weights"]).resolve()
    pretrainer = retrieval(
        tmp_path, recorded_sizes(case), read(file.parent, file.stem), torch.float64
    )
    mask = inputs["attention_mask"][:3].bool()
    shown = inputs["image"][:3].double(), inputs["input_ids"][:3], mask
    where = layout(pretrainer.student.vision)
    for block in (2, 3):
        (trace,) = itm(pretrainer, *shown, block - FUSION_FROM).traces
        found = sentence_maps(word_maps(trace, mask, where))
        torch.testing.assert_close(found, expected[f"gradcam_itm_block{block}"], **EXACT)
    for block in (1, 3):
        (trace,) = itc(pretrainer, *shown, block).traces
        found = summary_maps(trace, where)
        torch.testing.assert_close(found, expected[f"gradcam_itc_block{block}"], **EXACT)


def scores_and_boxes(case: Path, maps: Tensor) -> tuple[Tensor, Tensor]:
    meta = read_json(case, "meta")
    boxes = [torch.tensor(meta["dets"][str(ref["image_id"])])[:, :4] for ref in meta["refs"]]
    boxes = [box.double() for box in boxes]
    scores = [
        box_scores(enlarge(each, ref["height"], ref["width"]), box)
        for each, ref, box in zip(maps, meta["refs"], boxes, strict=True)
    ]
    return torch.stack(scores), torch.stack(boxes)


@cases
def test_boxes_and_accuracy(case):
    meta = read_json(case, "meta")
    scores, boxes = scores_and_boxes(case, read(case, "box_maps")["maps"])
    chosen = choose_boxes(scores, boxes, released_stale_box=True)
    wanted = torch.tensor([ref["chosen_box"] for ref in meta["refs"]])
    torch.testing.assert_close(chosen.float(), wanted)
    truth = torch.tensor([ref["bbox"] for ref in meta["refs"]], dtype=torch.float64)
    found = intersection_over_union(chosen, truth)
    wanted = torch.tensor([ref["iou"] for ref in meta["refs"]], dtype=torch.float64)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-7)
    for name, accuracy in meta["accuracy"].items():
        rows = torch.tensor([f"{ref['split']}_d" == name for ref in meta["refs"]])
        assert (found[rows] >= 0.5).double().mean().item() == pytest.approx(accuracy)


@cases
def test_the_released_code_takes_the_box_before_where_none_scores(case):
    maps = read(case, "box_maps")["maps"].clone()
    maps[STALE] = -1
    wanted = torch.tensor(read_json(case, "meta")["stale_box_demo"]["chosen"])
    scores, boxes = (each[: len(wanted)] for each in scores_and_boxes(case, maps))
    stale = choose_boxes(scores, boxes, released_stale_box=True).float()
    torch.testing.assert_close(stale, wanted)
    sound = choose_boxes(scores, boxes).float()
    torch.testing.assert_close(sound[STALE], boxes[STALE, scores[STALE].argmax()].float())
    assert not torch.equal(sound[STALE], stale[STALE])


@cases
def test_agreement_of_boxes(case):
    for each in read_json(case, "meta")["iou_cases"]:
        first, second = (torch.tensor(each[name], dtype=torch.float64) for name in "ab")
        assert intersection_over_union(first, second).item() == pytest.approx(each["iou"])
