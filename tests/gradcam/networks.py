"""Small networks to look into."""

from __future__ import annotations

import torch
from torch import nn

from albefkit.fusion.cross_attention import CrossAttention
from albefkit.network import Network
from albefkit.text.embeddings import Embeddings
from albefkit.text.tokenizer import Corpus
from albefkit.vision.base import VisionEncoder
from albefkit.vision.timm_model import TimmModel

SENTENCES = ["a red circle", "the blue star left of the red circle", "two hearts"]
SMALL_VIT = {
    "name": "vit_base_patch16_224",
    "image_size": 48,
    "patch_size": 16,
    "width": 16,
    "depth": 2,
    "heads": 2,
    "pretrained": False,
    "initial_std": 0.3,
}
SMALL_XCIT = SMALL_VIT | {"name": "xcit_nano_12_p16_224", "image_size": 64}


def small_network(vision: VisionEncoder | None = None) -> Network:
    """A network in float64 with a matching head and a shared space, in evaluation mode."""
    torch.manual_seed(0)
    image = vision or TimmModel(**SMALL_VIT)
    text = Embeddings(Corpus(lambda: SENTENCES), width=16, vocabulary=100)
    fusion = CrossAttention(
        image,
        text,
        name="bert-base-uncased",
        layers=3,
        heads=2,
        feed_forward=32,
        pretrained=False,
        initial_std=0.3,
    )
    network = Network(image, text, fusion, 8)
    network.heads["itm"] = nn.Linear(16, 2)
    return network.double().eval()


def shown(network: Network) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """An image for each sentence, ids and mask."""
    side = network.vision.image_size
    images = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(1)).double()
    view = network.text.tokenizer.encode(SENTENCES)
    return images, view.ids, view.mask
