"""ALBEF's fusion: words look at image tokens, layer by layer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from albefkit.fusion.base import Fusion
from albefkit.layers import bert_layout
from albefkit.layers import transformers_models as hub
from albefkit.layers.attention import visible
from albefkit.layers.cross_layer import CrossLayer, initialise_as_bert
from albefkit.layers.initial import draw_linear_weights
from albefkit.layers.load_report import LoadReport
from albefkit.layers.ranges import Chance, Count, Deviation
from albefkit.layers.weights import Absence, Pretrained, choose, find_model
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Encoded, Fused
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

CROSS = ".cross_attention"


class CrossAttention(Fusion):
    """Words look at the image: the upper layers of a text encoder with cross-attention in them.

    Paper section 3.1, spec 1.3. Keys and values are computed once per image and layer, however many
    pairs the image is in.

    Args:
        name: the encoder whose upper layers it starts from: on the hub, or a local folder.
        from_layer: the first of them, counted from 0.
        layers: how many.
        heads: attention heads; empty takes the encoder's own, or one per 64 where widths differ.
        feed_forward: inner width of the feed-forward parts; empty takes the encoder's own, or four
            times the width where widths differ.
        dropout: of hidden states and attention weights, 0 to 1.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random. Cross-attention always starts at
            random.
        initial_std: standard deviation of linear weights that start at random, more than 0; empty
            takes the model's own, which suits widths near 768.
    """

    def __init__(
        self,
        vision: VisionEncoder,
        text: TextEncoder,
        *,
        name: str = "bert-base-uncased",
        from_layer: Annotated[int, Field(ge=0)] = 6,
        layers: Count = 6,
        heads: Count | None = None,
        feed_forward: Count | None = None,
        dropout: Chance = 0.1,
        pretrained: Pretrained = "auto",
        initial_std: Deviation | None = None,
    ) -> None:
        super().__init__()
        self.width = text.width
        found = choose(pretrained, f"fusion from {name}", lambda: find_model(name))
        config = hub.configuration(name, found)
        same = config.hidden_size == self.width
        if not same and not isinstance(found, Absence):
            raise _width_problem(name, config.hidden_size, self.width)
        if heads is None:
            heads = int(config.num_attention_heads) if same else max(1, self.width // 64)
        inner = feed_forward or (bert_layout.inner_width(config) if same else 4 * self.width)
        eps = getattr(config, "layer_norm_eps", 1e-12)
        self.layers = nn.ModuleList(
            CrossLayer(self.width, heads, inner, vision.width, dropout, eps) for _ in range(layers)
        )
        initialise_as_bert(self)
        draw_linear_weights(self, initial_std)
        if isinstance(found, Absence):
            self.load_report = LoadReport(reason=found.reason)
        else:
            self.load_report = self._load(config, found, from_layer)

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        """Fuse P pairs; image tokens stay as they are, the summary is the fused [CLS]."""
        image_mask = visible(image.mask)
        text_mask = visible(text.mask)
        text_mask = None if text_mask is None else text_mask.index_select(0, text_index)
        tokens = text.tokens.index_select(0, text_index)
        for layer in self.layers:
            assert isinstance(layer, CrossLayer)
            memory = layer.cross_attention.remember(image.tokens, image_mask)
            tokens = layer(tokens, text_mask, memory.rows(image_index))
        return Fused(text_tokens=tokens, image_tokens=None, pooled=tokens[:, 0])

    def _load(self, config: Any, found: Any, from_layer: int) -> LoadReport:
        count = len(self.layers)
        if from_layer + count > config.num_hidden_layers:
            message = (
                f"fusion wants layers {from_layer} to {from_layer + count - 1}, "
                f"and {found.name} has {config.num_hidden_layers}"
            )
            hint = "Take fewer 'layers', a lower 'from_layer', or 'pretrained: false'."
            raise ComponentError(Problem("", "", message, hint))
        report = bert_layout.load_layers(self.layers, config, found, from_layer)
        backbone = [name for name in self.layers.state_dict() if CROSS not in name]
        return report.require(backbone)


def _width_problem(name: str, theirs: int, ours: int) -> ComponentError:
    message = f"fusion's width is that of the text encoder, {ours}, and {name} has {theirs}"
    hint = "Take fusion layers of the text encoder's width, or say 'pretrained: false'."
    return ComponentError(Problem("", "", message, hint))
