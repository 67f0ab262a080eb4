"""Tiny encoders in the layout of the hub, in local folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModel,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
)
from transformers.utils import logging

from albefkit.text import wordpiece

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "dog", "cat", "##s"]
LAYERS, WIDTH, POSITIONS = 3, 16, 12
COMMON: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": POSITIONS,
}
SPECIAL_IDS = {
    "pad_token_id": 0,
    "cls_token_id": 2,
    "sep_token_id": 3,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
CONFIGS = {
    "bert": BertConfig(**COMMON),
    "roberta": RobertaConfig(**COMMON | {"pad_token_id": 0, "layer_norm_eps": 1e-5}),
    "electra": ElectraConfig(**COMMON, embedding_size=8),
    "distilbert": DistilBertConfig(
        vocab_size=len(WORDS),
        dim=WIDTH,
        n_layers=LAYERS,
        n_heads=2,
        hidden_dim=40,
        max_position_embeddings=POSITIONS,
    ),
    "modernbert": ModernBertConfig(**COMMON | SPECIAL_IDS),
}


def save_encoder(kind: str, folder: Path, tokenizer: bool = True) -> Any:
    """Save an encoder with random weights, and give it."""
    logging.disable_progress_bar()
    torch.manual_seed(0)
    model = AutoModel.from_config(CONFIGS[kind])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    folder.mkdir(exist_ok=True)
    model.save_pretrained(folder)
    if tokenizer:
        (folder / "vocab.txt").write_text("\n".join(WORDS))
        inner = wordpiece.from_vocabulary(folder / "vocab.txt")
        PreTrainedTokenizerFast(
            tokenizer_object=inner.inner,
            pad_token="[PAD]",
            unk_token="[UNK]",
            cls_token="[CLS]",
            sep_token="[SEP]",
            mask_token="[MASK]",
        ).save_pretrained(folder)
    return model.eval()
