"""Any image model of timm that gives a map or a sequence of features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from albefkit.layers.attention import fused_pays
from albefkit.layers.initial import draw_linear_weights
from albefkit.layers.load_report import LoadReport
from albefkit.layers.ranges import Count, Deviation
from albefkit.layers.receptive import middles
from albefkit.layers.recomputing import count_batches_once, keep_activations
from albefkit.layers.weights import Absence, Pretrained, choose
from albefkit.registry.errors import ComponentError
from albefkit.tensors import Encoded
from albefkit.vision import timm_weights
from albefkit.vision.base import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD, VisionEncoder

Normalization = Literal["clip", "imagenet", "model"]


class TimmModel(VisionEncoder):
    """An image model of timm, by name: transformers as tokens, convolutional maps flattened.

    Position embeddings follow the image size (spec 1.2). The summary of an image is its [CLS] token
    where the model has one, else the mean over the image.

    Args:
        name: as timm knows it, e.g. vit_base_patch16_224, resnet50, local-dir:FOLDER.
        image_size: side of the square images, in pixels.
        patch_size: side of a patch, for a transformer; empty takes the model's own.
        width: size of a token, for a transformer; empty takes the model's own.
        depth: number of blocks, for a transformer; empty takes the model's own.
        heads: attention heads, for a transformer; empty takes the model's own.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random.
        normalization: mean and deviation taken from the pixels: CLIP's (as the released ALBEF,
            whichever weights it starts from), ImageNet's, or those the model was trained with.
        initial_std: standard deviation of linear weights that start at random, more than 0; empty
            takes the model's own, which suits widths near 768.
    """

    def __init__(
        self,
        *,
        name: str = "vit_base_patch16_224",
        image_size: Count = 224,
        patch_size: Count | None = None,
        width: Count | None = None,
        depth: Count | None = None,
        heads: Count | None = None,
        pretrained: Pretrained = "auto",
        normalization: Normalization = "clip",
        initial_std: Deviation | None = None,
    ) -> None:
        super().__init__()
        sizes = {"embed_dim": width, "depth": depth, "num_heads": heads, "patch_size": patch_size}
        sizes = {key: value for key, value in sizes.items() if value is not None}
        timm_weights.check_name(name)
        self.model, self._size, self._unpooled = _create(name, {"img_size": image_size}, sizes)
        self.image_size = image_size
        self.mean, self.std = self._pixels(normalization)
        self._survey()
        draw_linear_weights(self.model, initial_std)
        self.load_report = self._load(name, pretrained, sizes)

    def forward(self, images: Tensor) -> Encoded:
        """Encode `(R, 3, H, W)`; all tokens are real, so there is no mask."""
        tokens = self._sequence(self._features(images))
        if self._class_token:
            return Encoded(tokens, None, tokens[:, 0])
        return Encoded(tokens, None, tokens[:, self.prefix_tokens :].mean(dim=1))

    def checkpoint_activations(self) -> None:
        """Use timm's own switch: blocks are computed again on the way back."""
        try:
            self.model.set_grad_checkpointing()
        except (AssertionError, AttributeError):
            keep_activations(self, "model.vision", "timm has no such switch for this model")
            return
        count_batches_once(self)

    @property
    def grid_middles(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Where tokens look before any attention: convolutions of a stem look off their cells."""
        stem = getattr(self.model, "patch_embed", None)
        parts = stem.modules() if isinstance(stem, nn.Module) else ()
        convolutions = [part for part in parts if isinstance(part, nn.Conv2d)]
        even, grid = super().grid_middles, self.grid or (0, 0)
        rows, columns = (
            middles(convolutions, grid[axis], self.image_size, axis) or even[axis]
            for axis in (0, 1)
        )
        return rows, columns

    def _features(self, images: Tensor) -> Tensor:
        return self.model(images) if self._unpooled else self.model.forward_features(images)

    def _sequence(self, features: Tensor) -> Tensor:
        """Tokens `(R, N, D)` of a sequence or a map, row by row."""
        if features.dim() == 3:
            return features
        return features.flatten(1, 2) if self._channels_last else features.flatten(2).mT

    def _survey(self) -> None:
        """Look at one blank image to learn what the features are like."""
        side = self.image_size
        parameter = next(self.model.parameters())
        blank = torch.zeros(1, 3, side, side, device=parameter.device, dtype=parameter.dtype)
        was_training = self.model.training
        with torch.no_grad():
            try:
                self.model.eval()
                features = self._features(blank)
            except (AssertionError, RuntimeError) as error:
                message = f"the model does not take images of {side} x {side}: {error}"
                raise ComponentError(message) from error
        self.model.train(was_training)
        self._channels_last = getattr(self.model, "output_fmt", "NCHW") == "NHWC"
        self.prefix_tokens, self._class_token = 0, False
        if features.dim() == 4:
            rows, columns = features.shape[1:3] if self._channels_last else features.shape[2:]
            self.grid, self.width = (rows, columns), features.shape[1 + 2 * self._channels_last]
            return
        if features.dim() != 3:
            raise ComponentError(f"the model gives {features.dim()}-d features, no tokens")
        self.width = features.shape[2]
        self.prefix_tokens = getattr(self.model, "num_prefix_tokens", 0)
        self._class_token = getattr(self.model, "has_class_token", self.prefix_tokens > 0)
        self.grid = _square(features.shape[1] - self.prefix_tokens)

    def _pixels(self, normalization: Normalization) -> tuple[Any, Any]:
        if normalization == "clip":
            return CLIP_MEAN, CLIP_STD
        config = getattr(self.model, "pretrained_cfg", {})
        if normalization == "imagenet" or "mean" not in config:
            return IMAGENET_MEAN, IMAGENET_STD
        return tuple(config["mean"]), tuple(config["std"])

    def _load(self, name: str, pretrained: Pretrained, sizes: dict[str, int]) -> LoadReport:
        found = choose(pretrained, f"timm {name}", lambda: timm_weights.find(self.model, name))
        if isinstance(found, Absence):
            return LoadReport(reason=found.reason)
        report = timm_weights.load(self.model, name, found, self._size, self.grid)
        return report.require(self.model.state_dict())


class _Made(NamedTuple):
    """A model without classifier.

    Args:
        model: it.
        size: the size arguments it took.
        unpooled: whether calling it gives all its features, instead of one per image.
    """

    model: Any
    size: dict[str, Any]
    unpooled: bool


def _create(name: str, size: dict[str, Any], sizes: dict[str, Any]) -> _Made:
    import timm

    # Without pooling, norms that follow it are applied to every token: none stays unused.
    pooling: dict[str, Any] = {"global_pool": ""}
    while True:
        arguments: dict[str, Any] = pooling | size | sizes
        try:
            with _attention_kernel(fused_pays()):
                model = timm.create_model(name, num_classes=0, **arguments)
            return _Made(model, size, bool(pooling))
        except Exception as error:  # whatever timm raises
            if size and isinstance(error, TypeError) and "img_size" in str(error):
                size = {}  # it takes images of any size
            elif pooling and isinstance(error, (AssertionError, TypeError)):
                pooling = {}  # it insists on its own
            else:
                asked = ", ".join(f"{key}={value}" for key, value in arguments.items())
                raise ComponentError(f"timm cannot make {name} with {asked}: {error}") from error


def _square(tokens: int) -> tuple[int, int] | None:
    side = round(tokens**0.5)
    return (side, side) if side * side == tokens else None


@contextmanager
def _attention_kernel(fused: bool) -> Iterator[None]:
    """timm's models ask at their construction whether to use fused attention."""
    from timm.layers import (
        set_fused_attn,  # pyright: ignore[reportPrivateImportUsage]
        use_fused_attn,  # pyright: ignore[reportPrivateImportUsage]
    )

    before, before_experimental = use_fused_attn(), use_fused_attn(experimental=True)
    set_fused_attn(enable=fused and before, experimental=fused and before_experimental)
    try:
        yield
    finally:
        set_fused_attn(enable=before, experimental=before_experimental)
