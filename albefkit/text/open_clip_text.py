"""The text tower of an OpenCLIP model, every token of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from albefkit.layers import open_clip_models
from albefkit.layers.load_report import LoadReport
from albefkit.layers.loading import load_tensors
from albefkit.layers.open_clip_models import LEAST, require_heads
from albefkit.layers.ranges import Count
from albefkit.layers.weights import Absence, Pretrained, Source, choose
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Encoded
from albefkit.text import clip_bpe
from albefkit.text.base import TextEncoder
from albefkit.text.choice import TokenizerWish, get_tokenizer
from albefkit.text.tokenizer import Corpus

WORDS = "token_embedding.weight"
PROJECTION = "text_projection"
FOREIGN = ("hf_tokenizer_name", "tokenizer_kwargs")
"""What a configuration says where its tokenizer is not CLIP's."""


class OpenClipText(TextEncoder):
    """The text transformer of an OpenCLIP model, before its projection.

    Tokens see only those before them, so the last, which ends every text, is the summary (Radford
    et al. 2021, section 2.4).

    Args:
        name: as open_clip knows it, e.g. ViT-B-16, or local-dir:FOLDER.
        weights: the tag of pretrained weights, e.g. openai, laion2b_s34b_b88k, or a file.
        max_tokens: longer texts are cut to this many tokens, start and end included; empty takes
            the model's own number of positions.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random.
        width: size of a token; empty takes the model's own.
        layers: how many; empty takes the model's own.
        heads: attention heads; empty takes the model's own.
        tokenizer: auto trains one with pretrained: false and takes CLIP's own otherwise; train;
            clip, which has no word for a hidden one; or the path of a vocab.txt, a tokenizer.json
            or a folder.
        vocabulary: the most entries of a trained tokenizer; empty takes the model's own number.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        name: str = "ViT-B-16",
        weights: str = "openai",
        max_tokens: Count | None = None,
        pretrained: Pretrained = "auto",
        width: Count | None = None,
        layers: Count | None = None,
        heads: Count | None = None,
        tokenizer: TokenizerWish = "auto",
        vocabulary: Count | None = None,
    ) -> None:
        super().__init__()
        config = _configuration(name, {"width": width, "layers": layers, "heads": heads})
        if pretrained is False:
            config["context_length"] = max_tokens or config["context_length"]
        self.max_tokens = max_tokens or config["context_length"]
        _require_positions(self.max_tokens, config["context_length"])
        # A hub out of reach changes the weights, not the shape of the model.
        wish = "clip" if tokenizer == "auto" and pretrained is not False else tokenizer
        chosen = get_tokenizer(wish, corpus, None, vocabulary or config["vocab_size"]).tokenizer
        own_words = chosen.origin == clip_bpe.ORIGIN and pretrained is not False
        if own_words:
            _require_clips_words(config, chosen.vocabulary_size, name)
        else:
            config["vocab_size"] = chosen.vocabulary_size
        self.tokenizer = chosen.limited(self.max_tokens, closing_sep=True)
        self.width = config["width"]
        self.model = _transformer(name, weights, config)
        what = f"text tower of open_clip {name}"
        found = choose(pretrained, what, lambda: open_clip_models.find(name, weights))
        self.load_report = self._load(name, weights, found, own_words)

    @property
    def word_embeddings(self) -> nn.Embedding:
        """The model's own table."""
        return self.model.token_embedding

    def checkpoint_activations(self) -> None:
        """Use open_clip's own switch: blocks are computed again on the way back."""
        self.model.set_grad_checkpointing()

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """Encode R texts `(R, L)`, L at most `max_tokens`; padding is on the right, where no real
        token looks.
        """
        model, length = self.model, ids.shape[1]
        tokens = model.token_embedding(ids) + model.positional_embedding[:length]
        tokens = model.transformer(tokens, attn_mask=model.attn_mask[:length, :length])
        tokens = model.ln_final(tokens)
        rows = torch.arange(len(ids), device=ids.device)
        return Encoded(tokens, mask, tokens[rows, mask.sum(1) - 1])

    def _load(
        self, name: str, weights: str, found: Source | Absence, own_words: bool
    ) -> LoadReport:
        if isinstance(found, Absence):
            return LoadReport(reason=found.reason)
        theirs = {
            key: tensor
            for key, tensor in open_clip_models.create(name, weights).text.state_dict().items()
            if not key.startswith(PROJECTION) and (own_words or key != WORDS)
        }
        report = load_tensors(self.model, theirs, source=found.name)
        return report.require(self.model.state_dict(), allowed=[] if own_words else [WORDS])


def _configuration(name: str, sizes: Mapping[str, int | None]) -> dict[str, Any]:
    """What the tower is like, with other sizes where they are given."""
    from open_clip import CLIPTextCfg

    config = vars(CLIPTextCfg()) | open_clip_models.configuration(name)["text_cfg"]
    _require_plain(config, name)
    config |= {key: value for key, value in sizes.items() if value is not None}
    require_heads(config["width"], config["heads"])
    return config


def _transformer(name: str, weights: str, config: Mapping[str, Any]) -> Any:
    """The tower without its projection, with random weights."""
    shape = {"text_cfg": dict(config), "vision_cfg": dict(LEAST["vision_cfg"])}
    model = open_clip_models.create(name, weights, shape).text
    model.text_projection = None
    return model


def _require_plain(config: Mapping[str, Any], name: str) -> None:
    """Refuse what is no causal transformer that ends in a token of its own."""
    causal = not config["no_causal_mask"] and not config["embed_cls"]
    if causal and config["pool_type"] in ("argmax", "eos") and config["hf_model_name"] is None:
        return
    message = f"the text tower of {name} is no causal transformer such as CLIP's"
    hint = "Take a ViT-* model, or 'type: bert' with the name of an encoder of Hugging Face."
    raise ComponentError(Problem("", "", message, hint))


def _require_positions(max_tokens: int, positions: int) -> None:
    if max_tokens > positions:
        message = f"max_tokens is {max_tokens}, and the model has {positions} positions"
        raise ComponentError(
            Problem("", "", message, "Take fewer tokens, or start with 'pretrained: false'.")
        )


def _require_clips_words(config: Mapping[str, Any], entries: int, name: str) -> None:
    """Refuse CLIP's tokenizer for a model that was trained with another."""
    if config["vocab_size"] >= entries and not any(config.get(key) for key in FOREIGN):
        return
    message = f"{name} was not made for CLIP's tokenizer and its {entries} entries"
    hint = "Say 'tokenizer: train', or give the path of one."
    raise ComponentError(Problem("", "", message, hint))
