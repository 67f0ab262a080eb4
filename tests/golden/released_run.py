"""A run on recorded data: an ordinary recipe's parts, released weights, recorded choices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor
from transformers import BertConfig

from albefkit.assemble import assemble
from albefkit.distill.constant import Constant
from albefkit.engine.adamw import AdamW
from albefkit.engine.pretrainer import Pretrainer
from albefkit.interop.layouts import PRETRAIN, Layout
from albefkit.interop.released import from_released, to_released
from albefkit.objectives.mlm import MLM
from albefkit.objectives.negatives import Negatives, WrongPartners
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.tensors import Batch, TextView

FUSION_FROM = 2
STEPS_PER_EPOCH = 10
FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}


@dataclass(frozen=True)
class Sizes:
    """What a recorded network measures."""

    vision_width: int
    text_width: int
    feed_forward: int
    positions: int
    shared_width: int


@dataclass(frozen=True)
class Recorded:
    """A recorded batch with the choices that were made about it."""

    images: Tensor
    ids: Tensor
    mask: Tensor
    hidden_ids: Tensor
    labels: Tensor
    negative_image: Tensor
    negative_text: Tensor

    def batch(self, dtype: torch.dtype) -> Batch:
        rows = torch.arange(len(self.ids))
        text = TextView(self.ids, self.mask.bool())
        return Batch(self.images.to(dtype), text, image_id=rows, text_id=rows)


class RecordedNegatives(Negatives):
    """Negatives that were drawn before."""

    needs = frozenset({"features"})

    def __init__(self) -> None:
        self.recorded: Recorded

    def draw(self, step, generator) -> WrongPartners:
        ones = torch.ones(len(step.batch), dtype=step.batch.images.dtype)
        return WrongPartners(self.recorded.negative_image, self.recorded.negative_text, ones, ones)


class RecordedMLM(MLM):
    """Words that were hidden before."""

    recorded: Recorded

    def text_view(self, step) -> TextView:
        return TextView(self.recorded.hidden_ids, self.recorded.mask.bool(), self.recorded.labels)


def build(
    folder: Path,
    sizes: Sizes,
    state: Mapping[str, Tensor],
    dtype: torch.dtype,
    alpha: float = 0.4,
) -> Pretrainer:
    """The parts of albef_base at recorded sizes, with released weights."""
    path = recorded_recipe(folder, sizes, alpha)
    with RecordedMLM.register("mlm-recorded"), RecordedNegatives.register("recorded"):
        edits = ["objectives.mlm.type=mlm-recorded", "objectives.itm.negatives=recorded"]
        pretrainer = assemble(load_recipe(path, sets=edits)).pretrainer
    return take_weights(pretrainer, state, dtype)


def recorded_recipe(folder: Path, sizes: Sizes, alpha: float) -> Path:
    """The file of a recipe: albef_base at recorded sizes."""
    recipe = recorded_network(folder, sizes) | {
        "alignment": {"width": sizes.shared_width, "keys": {"size": 48}},
        "objectives": {"mod": {"alpha": alpha}},
        "data": {"type": "scenes", "train": 8, "val": 4, "test": 4, "size": 48},
    }
    path = folder / "recorded.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def take_weights(
    pretrainer: Pretrainer, state: Mapping[str, Tensor], dtype: torch.dtype
) -> Pretrainer:
    """Put released weights into a pretrainer of recorded sizes."""
    weights = from_released(dict(state), fusion_from=FUSION_FROM)
    missing, unexpected = pretrainer.to(dtype).load_state_dict(weights, strict=False)
    assert not unexpected
    # Released pre-training keeps no ids beside its queue.
    assert set(missing) == {"space.keys.image_id", "space.keys.text_id"}
    return pretrainer.train()


def recorded_network(folder: Path, sizes: Sizes) -> dict[str, Any]:
    """The part of a recipe that says what a recorded network is made of."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{n}" for n in range(195))]
    (folder / "vocab.txt").write_text("\n".join(words))
    bert = BertConfig(
        vocab_size=len(words),
        hidden_size=sizes.text_width,
        num_attention_heads=4,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions,
    )
    bert.save_pretrained(folder)
    shared = {"name": str(folder), "pretrained": False, "dropout": 0.0}
    return {
        "extends": "albef_base",
        "model": {
            "vision": {
                "name": "vit_base_patch16_224",
                "image_size": 48,
                "width": sizes.vision_width,
                "depth": 4,
                "heads": 4,
                "pretrained": False,
            },
            "text": {"layers": FUSION_FROM, "tokenizer": str(folder / "vocab.txt"), **shared},
            "fusion": {"from_layer": FUSION_FROM, "layers": 2, **shared},
        },
    }


def begin(pretrainer: Pretrainer, recorded: Recorded, step: int = 0) -> tuple[Batch, Progress]:
    """Put recorded choices in the place of fresh ones and begin a step."""
    pretrainer.objectives["itm"].negatives.recorded = recorded
    pretrainer.objectives["mlm"].recorded = recorded
    progress = Progress(step=step, steps_per_epoch=STEPS_PER_EPOCH, epochs=1)
    pretrainer.begin_step(progress)
    return recorded.batch(next(pretrainer.student.parameters()).dtype), progress


def released_adamw() -> AdamW:
    """The released optimizer at the constant rate of the recorded runs."""
    return AdamW(lr=Constant(value=1e-4), decay_temperature=True, decay_tables=True)


def gradients(pretrainer: Pretrainer, layout: Layout = PRETRAIN) -> dict[str, Tensor]:
    """Gradients of all parameters by their released names."""
    grads = {
        name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for name, parameter in pretrainer.named_parameters()
    }
    return to_released(grads, layout=layout, fusion_from=FUSION_FROM)


def weights(pretrainer: Pretrainer, layout: Layout = PRETRAIN) -> dict[str, Tensor]:
    """Everything a released checkpoint would hold, by its released names."""
    return to_released(pretrainer.state_dict(), layout=layout, fusion_from=FUSION_FROM)


def fingerprint(tensor: Tensor, first: int) -> list[float]:
    """L2 norm, sum, and sum of x_i cos(i) with i counted from `first`."""
    flat = tensor.detach().double().flatten()
    wave = torch.arange(first, first + flat.numel(), dtype=torch.float64).cos()
    return [flat.norm().item(), flat.sum().item(), (flat * wave).sum().item()]


def key_bias(name: str) -> bool:
    """Whether a parameter has no true gradient: attention does not see a shift of its keys."""
    return name.endswith("key.bias")


def read(folder: Path, name: str) -> dict[str, Tensor]:
    return load_file(folder / f"{name}.safetensors")


def read_json(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


def released_state(case: Path, name: str = "state") -> dict[str, Tensor]:
    """Every released key of a case, which may lie in the files of another; exact."""
    files: dict[Path, dict[str, Tensor]] = {}
    state = {}
    for key, entry in read_json(case, name).items():
        file = (case / entry["file"]).resolve()
        if file not in files:
            files[file] = read(file.parent, file.stem)
        dtype = getattr(torch, entry["dtype"])
        state[key] = files[file][entry["key"]].to(dtype).reshape(entry["shape"])
    return state


def recorded_sizes(case: Path) -> Sizes:
    """The sizes of a case where every width differs."""
    config = read_json(case, "meta")["config"]
    return Sizes(
        vision_width=config["vision"]["width"],
        text_width=config["text"]["hidden_size"],
        feed_forward=config["text"]["intermediate_size"],
        positions=config["text"]["max_position_embeddings"],
        shared_width=config["embed_dim"],
    )
