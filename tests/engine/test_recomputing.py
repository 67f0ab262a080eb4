"""Layers that are computed again on the way back: the same numbers, less kept."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from albefkit.assemble import Assembly, assemble
from albefkit.data.sampler import Order
from albefkit.engine.precision import Precision
from albefkit.explain.rehearsal import rehearse
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import AlbefkitWarning
from albefkit.vision.timm_model import TimmModel

MICRO = Path(__file__).parents[1] / "micro.yaml"
START = Progress(step=0, steps_per_epoch=8, epochs=1)
HOST = torch.device("cpu")
LAYERS = "heads: 2, feed_forward: 32, dropout: 0.1, pretrained: false"
VISION = "image_size: 32, patch_size: 16, width: 16, heads: 2, pretrained: false"
RECIPES = {
    "transformers": [],
    "convolutions with batch normalisation": [
        f"model.vision={{type: timm, name: xcit_nano_12_p16_224, depth: 2, {VISION}}}"
    ],
    "open_clip": [
        f"model.vision={{type: open-clip, name: ViT-B-32, layers: 2, {VISION}}}",
        "model.text={type: open-clip, name: ViT-B-32, width: 16, heads: 2, layers: 2, "
        "max_tokens: 20, pretrained: false, tokenizer: train, vocabulary: 300}",
    ],
    "one stream, norms before": [f"model.fusion={{type: joint, layers: 2, {LAYERS}}}"],
    "one stream, norms after": [f"model.fusion={{type: joint, norm: after, layers: 2, {LAYERS}}}"],
    "two streams": [
        "model.fusion={type: co-attention, layers: 2, heads: 2, feed_forward: 32, dropout: 0.1}"
    ],
    "nothing but patches and words": [
        "model.vision={type: patches, image_size: 32, patch_size: 16, width: 16}",
        "model.text={type: embeddings, width: 16, vocabulary: 300}",
    ],
    "several images": [
        "objectives={itc: null, itm: null, mlm: null, mod: null, classification: {}}",
        f"model.fusion={{type: paired-cross-attention, images: 2, layers: 1, {LAYERS}}}",
        "data={type: scene-statements, images: 2, size: 32, train: 16}",
    ],
    "answers": [
        "objectives={itc: null, itm: null, mlm: null, mod: null, answer: {}}",
        "data={type: scene-questions, size: 32, train: 16}",
    ],
}

STACKS = (".layers", ".layer", ".image_layers", ".blocks", ".resblocks")


def assembled(sets: list[str], recompute: bool) -> Assembly:
    assembly = assemble(load_recipe(MICRO, sets=sets))
    if recompute:
        assembly.pretrainer.checkpoint_activations()
    return assembly


def step(assembly: Assembly) -> tuple[dict[str, Tensor], dict[str, Tensor | None]]:
    """Losses and gradients of a step with dropout."""
    pretrainer = assembly.pretrainer.train()
    batch = next(train_loader(assembly, Order(0, 16, 8)).batches())
    report = pretrainer(batch, START)
    report.loss.backward()
    return report.losses, {name: each.grad for name, each in pretrainer.named_parameters()}


@pytest.mark.parametrize("name", RECIPES)
def test_losses_gradients_and_statistics_stay_what_they_were(name: str) -> None:
    kept, forgot = assembled(RECIPES[name], False), assembled(RECIPES[name], True)
    (losses, gradients), (losses_again, gradients_again) = step(kept), step(forgot)
    assert losses == losses_again
    assert any(gradient is not None for gradient in gradients.values())
    for name, gradient in gradients.items():
        again = gradients_again[name]
        assert (gradient is None) == (again is None), name
        if gradient is not None and again is not None:
            torch.testing.assert_close(again, gradient, rtol=1e-6, atol=1e-9, msg=name)
    for name, state in kept.pretrainer.state_dict().items():
        assert torch.equal(state, forgot.pretrainer.state_dict()[name]), name


@pytest.mark.parametrize("name", [name for name in RECIPES if "nothing" not in name])
def test_every_layer_of_the_student_is_computed_twice(name: str) -> None:
    """Every layer of vision, text, fusion and decoder, and none of the teacher's."""
    assembly = assembled(RECIPES[name], True)
    calls: Counter[str] = Counter()

    def count(layer: nn.Module, name: str) -> None:
        first = next(layer.children())  # transformers goes twice through what is in a layer
        first.register_forward_pre_hook(lambda *_: calls.update([name]))

    for name, stack in assembly.pretrainer.named_modules():
        if isinstance(stack, nn.ModuleList | nn.Sequential) and name.endswith(STACKS):
            for number, layer in enumerate(stack):
                count(layer, f"{name}.{number}")
    step(assembly)
    assert {calls[name] for name in calls if name.startswith("student")} == {2}
    assert {calls[name] for name in calls if name.startswith("teacher")} <= {1}


def test_less_is_kept() -> None:
    deep = [
        f"model.vision={{type: timm, name: vit_base_patch16_224, depth: 4, {VISION}}}",
        f"model.fusion={{from_layer: 0, layers: 4, {LAYERS}}}",
    ]
    kept, forgot = (
        rehearse(assembled(deep, recompute), Precision("fp32", HOST), 8)
        for recompute in (False, True)
    )
    assert forgot.bytes_activations < 0.6 * kept.bytes_activations
    assert 1.1 < forgot.flops_per_sample / kept.flops_per_sample < 4 / 3
    assert forgot.bytes_fixed == kept.bytes_fixed


def test_whoever_cannot_says_so_and_trains_as_before() -> None:
    vision = TimmModel(name="test_vit", image_size=160, pretrained=False)

    def refuse() -> None:
        raise AssertionError("gradient checkpointing not supported")

    vision.model.set_grad_checkpointing = refuse
    with pytest.warns(AlbefkitWarning, match=r"model.vision \(TimmModel\) cannot recompute"):
        vision.checkpoint_activations()


def test_nothing_is_said_where_everybody_can() -> None:
    assembly = assembled([], False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assembly.pretrainer.checkpoint_activations()
