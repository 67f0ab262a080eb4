"""Any vision transformer of Hugging Face that reads square patches."""

from __future__ import annotations

import copy
import warnings
from typing import Any, Literal

import torch
from albefkit.layers import transformers_models as hub
from albefkit.layers.initial import draw_linear_weights
from albefkit.layers.load_report import LoadReport
from albefkit.layers.ranges import Count, Deviation
from albefkit.layers.weights import Absence, Pretrained, Source, choose
from albefkit.registry.errors import AlbefkitWarning, ComponentError, Problem
from albefkit.tensors import Encoded
from albefkit.vision.base import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD, VisionEncoder
from torch import Tensor

from albefkit_transformers import weights
from albefkit_transformers.shapes import HINT, configuration, require_whole_patches

Normalization = Literal["clip", "imagenet", "half"]
Triple = tuple[float, float, float]
HALF: Triple = (0.5, 0.5, 0.5)
PIXELS: dict[Normalization, tuple[Triple, Triple]] = {
    "clip": (CLIP_MEAN, CLIP_STD),
    "imagenet": (IMAGENET_MEAN, IMAGENET_STD),
    "half": (HALF, HALF),
}
"""Mean and deviation of each normalization."""


class TransformersTower(VisionEncoder):
    """A vision transformer of Hugging Face: DINOv3, DINOv2 with registers, SigLIP 2, I-JEPA, ...

    What comes out are its last hidden states. The summary of an image is its [CLS] token where the
    model has one, else the mean over the image. Positions are resized as the model itself resizes
    them. Weights that the tokens do not depend on (a token for hidden patches, the norm that CLIP
    keeps for its summary) stay as they are; pooling heads are left out.

    Args:
        name: on the hub, a local folder, or a type of model that transformers knows.
        image_size: side of the square images, in pixels; a multiple of the patch's.
        patch_size: side of a patch, in pixels; empty takes the model's own.
        width: size of a token; empty takes the model's own.
        layers: how many, counted from the patches; empty takes the model's own.
        heads: attention heads; empty takes the model's own.
        feed_forward: inner width of the feed-forward parts; empty takes the model's own.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random. Only safetensors are read.
        normalization: mean and deviation taken from the pixels: ImageNet's (DINO), CLIP's, or 0.5
            for both (SigLIP). Weights that were trained with others are loaded with a warning.
        initial_std: standard deviation of linear weights that start at random, more than 0; empty
            takes the model's own, which suits widths near 768.
    """

    def __init__(
        self,
        *,
        name: str = "facebook/dinov2-with-registers-base",
        image_size: Count = 224,
        patch_size: Count | None = None,
        width: Count | None = None,
        layers: Count | None = None,
        heads: Count | None = None,
        feed_forward: Count | None = None,
        pretrained: Pretrained = "auto",
        normalization: Normalization = "imagenet",
        initial_std: Deviation | None = None,
    ) -> None:
        super().__init__()
        found = choose(pretrained, f"vision tower {name}", lambda: weights.find(name))
        config = configuration(name, found)
        hub.override(
            config, hub.Sizes(layers or config.num_hidden_layers, width, heads, feed_forward)
        )
        config.patch_size = patch_size or config.patch_size
        require_whole_patches(image_size, config.patch_size)
        self.image_size = image_size
        self.mean, self.std = PIXELS[normalization]
        self.model = _fresh(config, name, image_size)
        draw_linear_weights(self.model, initial_std)
        idle = self._survey(name, image_size // config.patch_size)
        self.load_report = LoadReport(reason=found.reason) if isinstance(found, Absence) else None
        if isinstance(found, Source):
            self.load_report = weights.load(self.model, config, found, idle)
            _compare_pixels(name, found, normalization)

    def forward(self, images: Tensor) -> Encoded:
        """Encode `(R, 3, H, W)`; all tokens are real, so there is no mask."""
        tokens = self.model(pixel_values=images).last_hidden_state
        return Encoded(tokens, None, tokens[:, 0] if self.prefix_tokens else tokens.mean(dim=1))

    def _survey(self, name: str, side: int) -> list[str]:
        """Look at one blank image to learn what the tokens are like, and what they depend on.

        Returns:
            The names of the weights that no token depends on; they will take no gradient.
        """
        named = {name: each for name, each in self.model.named_parameters() if each.requires_grad}
        blank = next(iter(named.values())).new_zeros(1, 3, self.image_size, self.image_size)
        was_training = self.model.training
        try:
            with torch.enable_grad():
                tokens = self.model.eval()(pixel_values=blank).last_hidden_state
                used = torch.autograd.grad(tokens.sum(), list(named.values()), allow_unused=True)
        except Exception as error:  # whatever a model has against images alone
            message = f"{name} does not take images of {self.image_size} x {self.image_size}: "
            message += str(error).partition("\n")[0]
            raise ComponentError(Problem("", "", message, HINT)) from error
        self.model.train(was_training)
        if tokens.dim() != 3 or tokens.shape[1] < side * side:
            message = f"{name} gives {tuple(tokens.shape[1:])} for an image of {side} x {side} "
            raise ComponentError(Problem("", "", f"{message}patches, no token for each", HINT))
        self.grid, self.width = (side, side), tokens.shape[2]
        self.prefix_tokens = tokens.shape[1] - side * side
        idle = [each for each, gradient in zip(named, used, strict=True) if gradient is None]
        for each in idle:
            named[each].requires_grad_(False)
        return idle


def _fresh(config: Any, name: str, image_size: int) -> Any:
    """A model with random weights for images of a size; `config` keeps its own size."""
    config = copy.deepcopy(config)
    config.image_size = image_size
    try:
        return hub.fresh_model(config)
    except Exception as error:  # many types, depending on what does not fit
        message = f"transformers cannot make {name}: {str(error).partition(chr(10))[0]}"
        raise ComponentError(message) from error


def _compare_pixels(name: str, source: Source, normalization: Normalization) -> None:
    """Say so where weights were trained on pixels of another mean or deviation.

    The recipe decides all the same: a run must not depend on a file that may be gone.
    """
    trained = weights.trained_pixels(source)
    ours = tuple(list(each) for each in PIXELS[normalization])
    if trained is None or trained == ours:
        return
    fitting = [each for each, pair in PIXELS.items() if trained == tuple(map(list, pair))]
    hint = f": say 'normalization: {fitting[0]}'" if fitting else ""
    text = f"{name} was trained with pixels less {trained[0]} over {trained[1]}, and this recipe "
    text += f"gives it those of '{normalization}'{hint}"
    warnings.warn(text, AlbefkitWarning, stacklevel=3)
